#include "core/serve/api/polyscene_serve.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>

#include "core/serve/joined_scoring.h"
#include "core/serve/request.h"
#include "core/serve/scorer_pool.h"
#include "core/serve/served_model.h"
#include "ops/base/error.h"
#include "ops/base/thread.h"

namespace {

using polyscene::InvalidArgument;
using polyscene::require;

constexpr int64_t kMostWaitUs = int64_t{1} << 40;  // clocks count nanoseconds in 64 bits

// A version that was opened. Requests made with it are joined among themselves alone.
struct Version {
  polyscene::ServedModel model;
  polyscene::ScorerPool scorers;
  polyscene::JoinedScoring joined;

  explicit Version(const std::string& folder)
      : model(folder),
        scorers(model),
        joined([this](const polyscene::Batch& batch, std::span<float> logits) { scorers.score(batch, logits); }) {}
};

// Calls work(); what it throws goes to `error`, and `failed` is returned.
template <class Result, class Work>
Result guarded(char* error, size_t error_bytes, Result failed, const Work& work) {
  try {
    return work();
  } catch (const std::exception& e) {
    if (error != nullptr && error_bytes > 0) {
      std::strncpy(error, e.what(), error_bytes - 1);
      error[error_bytes - 1] = 0;
    }
    return failed;
  }
}

template <class T>
std::span<const T> list(const T* values, int64_t count) {
  require(values != nullptr || count == 0, "[serve] wanted values, got NULL");
  static const T kNone{};
  return {count == 0 ? &kNone : values, static_cast<size_t>(count)};
}

std::vector<std::string_view> texts(const char* const* strings, const size_t* lengths, int64_t count) {
  require(count == 0 || (strings != nullptr && lengths != nullptr), "[serve] wanted strings and lengths, got NULL");
  std::vector<std::string_view> views;
  for (int64_t i = 0; i < count; ++i)
    views.push_back(strings[i] == nullptr ? std::string_view() : std::string_view(strings[i], lengths[i]));
  return views;
}

}  // namespace

struct polyscene_model {
  std::string folder;
  int threads;
  std::mutex mutex;
  std::shared_ptr<Version> version;
  polyscene::JoinOptions join;  // most_rows 0: nothing is joined

  std::shared_ptr<Version> current() {
    const std::lock_guard lock(mutex);
    return version;
  }
  polyscene::JoinOptions join_options() {
    const std::lock_guard lock(mutex);
    return join;
  }
};

struct polyscene_request {
  std::shared_ptr<Version> version;  // that of the columns
  int64_t rows;
  polyscene::Request columns;

  polyscene_request(std::shared_ptr<Version> v, int64_t n)
      : version(std::move(v)), rows(n), columns(version->model.experiment().data(), version->model.schema(), n) {}
  // Offsets of lists and how many values they name.
  [[nodiscard]] std::pair<std::span<const int64_t>, int64_t> lists(const int64_t* offsets) const {
    const std::span<const int64_t> all = list(offsets, rows + 1);
    require(all.back() >= 0, "[serve] wanted offsets that ascend from 0, got ", all.back());
    return {all, all.back()};
  }
};

extern "C" {

polyscene_model* polyscene_open(const char* folder, int threads, char* error, size_t error_bytes) {
  return guarded<polyscene_model*>(error, error_bytes, nullptr, [&] {
    require(folder != nullptr, "[serve] wanted a folder, got NULL");
    require(threads >= 1, "[serve] wanted threads >= 1, got ", threads);
    return new polyscene_model{
        .folder = folder, .threads = threads, .mutex = {}, .version = std::make_shared<Version>(folder), .join = {}};
  });
}

void polyscene_close(polyscene_model* model) { delete model; }

const char* polyscene_folder(const polyscene_model* model) { return model->version->model.folder().c_str(); }

int polyscene_refresh(polyscene_model* model, char* error, size_t error_bytes) {
  return guarded(error, error_bytes, -1, [&] {
    const std::string newest = polyscene::find_version(model->folder);
    if (newest == model->current()->model.folder()) return 0;
    auto version = std::make_shared<Version>(newest);
    const std::lock_guard lock(model->mutex);
    model->version = std::move(version);
    return 1;
  });
}

int polyscene_join_requests(polyscene_model* model, int64_t most_rows, int64_t wait_us, int at_once, char* error,
                            size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    require(most_rows >= 0, "[serve] wanted most_rows >= 0, got ", most_rows);
    require(wait_us >= 0 && wait_us <= kMostWaitUs, "[serve] wanted wait_us of 0 to ", kMostWaitUs, ", got ", wait_us);
    require(at_once >= 1, "[serve] wanted at_once >= 1, got ", at_once);
    const std::lock_guard lock(model->mutex);
    model->join = {.most_rows = most_rows, .wait = std::chrono::microseconds(wait_us), .at_once = at_once};
    return 0;
  });
}

polyscene_request* polyscene_request_new(polyscene_model* model, int64_t rows, char* error, size_t error_bytes) {
  return guarded<polyscene_request*>(error, error_bytes, nullptr,
                                     [&] { return new polyscene_request(model->current(), rows); });
}

void polyscene_request_free(polyscene_request* request) { delete request; }

int polyscene_set_ids(polyscene_request* request, const char* column, const int64_t* ids, char* error,
                      size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    request->columns.set_ids(column, list(ids, request->rows));
    return 0;
  });
}

int polyscene_set_strings(polyscene_request* request, const char* column, const char* const* strings,
                          const size_t* lengths, char* error, size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    request->columns.set_strings(column, texts(strings, lengths, request->rows));
    return 0;
  });
}

int polyscene_set_numbers(polyscene_request* request, const char* column, const double* numbers, char* error,
                          size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    request->columns.set_numbers(column, list(numbers, request->rows));
    return 0;
  });
}

int polyscene_set_id_lists(polyscene_request* request, const char* column, const int64_t* offsets, const int64_t* ids,
                           char* error, size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    const auto [all, count] = request->lists(offsets);
    request->columns.set_id_lists(column, all, list(ids, count));
    return 0;
  });
}

int polyscene_set_string_lists(polyscene_request* request, const char* column, const int64_t* offsets,
                               const char* const* strings, const size_t* lengths, char* error, size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    const auto [all, count] = request->lists(offsets);
    request->columns.set_string_lists(column, all, texts(strings, lengths, count));
    return 0;
  });
}

int polyscene_set_number_lists(polyscene_request* request, const char* column, const int64_t* offsets,
                               const double* numbers, char* error, size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    const auto [all, count] = request->lists(offsets);
    request->columns.set_number_lists(column, all, list(numbers, count));
    return 0;
  });
}

int polyscene_score(polyscene_model* model, const polyscene_request* request, float* probabilities, char* error,
                    size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    const polyscene::Batch batch = request->columns.batch();
    Version& version = *request->version;
    const std::span<float> scores(probabilities, static_cast<size_t>(batch.rows));
    polyscene::set_thread_count(model->threads);
    if (const polyscene::JoinOptions join = model->join_options(); join.most_rows > 0 && batch.rows > 0)
      version.joined.score(batch, scores, join);
    else
      version.scorers.score(batch, scores);
    for (float& score : scores) score = static_cast<float>(1 / (1 + std::exp(-double{score})));
    return 0;
  });
}

}  // extern "C"
