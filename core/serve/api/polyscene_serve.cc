#include "core/serve/api/polyscene_serve.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/serve/api/boundary.h"
#include "core/serve/joined_scoring.h"
#include "core/serve/request.h"
#include "core/serve/scorer_pool.h"
#include "core/serve/served_model.h"
#include "ops/base/error.h"
#include "ops/base/thread.h"

namespace {

using polyscene::require;
using polyscene::core::boundary::array;
using polyscene::core::boundary::given;
using polyscene::core::boundary::guarded;
using polyscene::core::boundary::name;
using polyscene::core::boundary::strings;

static_assert(POLYSCENE_MAX_ROWS == polyscene::core::kMostRequestRows);
static_assert(POLYSCENE_MAX_VALUES == polyscene::core::kMostRequestValues);
static_assert(POLYSCENE_MAX_THREADS == polyscene::kMostThreads);
static_assert(POLYSCENE_MAX_STRING_BYTES == polyscene::core::kMostStringBytes);
static_assert(POLYSCENE_NULL_ID == polyscene::core::kMissingKey);

// An open version. Only requests of the same version are joined.
struct Version {
  polyscene::core::ServedModel model;
  polyscene::core::ScorerPool scorers;
  polyscene::core::JoinedScoring joined;

  explicit Version(const std::string& folder)
      : model(folder),
        scorers(model),
        joined([this](const polyscene::core::Batch& batch, std::span<float> logits) { scorers.score(batch, logits); }) {
  }
};

}  // namespace

struct polyscene_model {
  const std::string folder;
  const int threads;

  polyscene_model(const char* name, int count) : folder(name), threads(count) {
    take(std::make_shared<Version>(folder));
  }
  std::shared_ptr<Version> current() const {
    const std::lock_guard lock(mutex_);
    return version_;
  }
  // Valid as long as this object.
  const char* current_folder() const {
    const std::lock_guard lock(mutex_);
    return folders_.find(version_->model.folder())->c_str();
  }
  // Opens a newer version; returns whether there was one. Calls are serialised, so an older version never replaces a
  // newer one.
  bool refresh() {
    const std::lock_guard one(refreshing_);
    const std::string newest = polyscene::core::find_version(folder);
    if (newest == current()->model.folder()) return false;
    take(std::make_shared<Version>(newest));
    return true;
  }
  polyscene::core::JoinOptions join_options() const {
    const std::lock_guard lock(mutex_);
    return join_;
  }
  void set_join_options(const polyscene::core::JoinOptions& options) {
    const std::lock_guard lock(mutex_);
    join_ = options;
  }

 private:
  void take(std::shared_ptr<Version> version) {
    const std::lock_guard lock(mutex_);
    folders_.insert(version->model.folder());
    version_.swap(version);
  }

  std::mutex refreshing_;
  mutable std::mutex mutex_;
  std::set<std::string> folders_;  // of the current version and the earlier ones
  std::shared_ptr<Version> version_;
  polyscene::core::JoinOptions join_;  // most_rows 0: nothing is joined
};

struct polyscene_request {
  const polyscene_model* const model;
  const std::shared_ptr<Version> version;  // whose columns are set
  const int64_t rows;
  polyscene::core::Request columns;

  polyscene_request(const polyscene_model& m, int64_t n)
      : model(&m),
        version(m.current()),
        rows(n),
        columns(version->model.experiment().data(), version->model.schema(), n) {}
  [[nodiscard]] std::span<const int64_t> lists(const int64_t* offsets) const {
    return array("offsets", offsets, rows + 1);
  }
};

extern "C" {

polyscene_model* polyscene_open(const char* folder, int threads, char* error, size_t error_bytes) {
  return guarded<polyscene_model*>(error, error_bytes, nullptr, [&] {
    require(given("folder", folder) != 0, "[serve] wanted a folder, got an empty name");
    polyscene::check_threads(threads);
    return new polyscene_model(folder, threads);
  });
}

void polyscene_close(polyscene_model* model) {
  guarded(nullptr, 0, 0, [&] {
    delete model;
    return 0;
  });
}

const char* polyscene_folder(const polyscene_model* model) {
  return guarded<const char*>(nullptr, 0, nullptr, [&] { return given("model", model).current_folder(); });
}

int polyscene_refresh(polyscene_model* model, char* error, size_t error_bytes) {
  return guarded(error, error_bytes, -1, [&] { return given("model", model).refresh() ? 1 : 0; });
}

int polyscene_verify(const polyscene_model* model, char* error, size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    given("model", model).current()->model.verify();
    return 0;
  });
}

int polyscene_join_requests(polyscene_model* model, int64_t most_rows, int64_t wait_us, int at_once, char* error,
                            size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    const auto within = [](const char* what, int64_t value, int64_t least, int64_t most) {
      require(value >= least && value <= most, "[serve] wanted ", what, " of ", least, " to ", most, ", got ", value);
    };
    within("most_rows", most_rows, 0, POLYSCENE_MAX_ROWS);
    within("wait_us", wait_us, 0, POLYSCENE_MAX_WAIT_US);
    within("at_once", at_once, 1, POLYSCENE_MAX_THREADS);
    given("model", model)
        .set_join_options({.most_rows = most_rows, .wait = std::chrono::microseconds(wait_us), .at_once = at_once});
    return 0;
  });
}

polyscene_request* polyscene_request_new(polyscene_model* model, int64_t rows, char* error, size_t error_bytes) {
  return guarded<polyscene_request*>(error, error_bytes, nullptr,
                                     [&] { return new polyscene_request(given("model", model), rows); });
}

void polyscene_request_free(polyscene_request* request) {
  guarded(nullptr, 0, 0, [&] {
    delete request;
    return 0;
  });
}

int polyscene_set_ids(polyscene_request* request, const char* column, const int64_t* ids, char* error,
                      size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    auto& to = given("request", request);
    to.columns.set_ids(name(column), array("ids", ids, to.rows));
    return 0;
  });
}

int polyscene_set_strings(polyscene_request* request, const char* column, const char* const* texts,
                          const size_t* lengths, char* error, size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    auto& to = given("request", request);
    to.columns.set_strings(name(column), strings(texts, lengths, to.rows));
    return 0;
  });
}

int polyscene_set_numbers(polyscene_request* request, const char* column, const double* numbers, char* error,
                          size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    auto& to = given("request", request);
    to.columns.set_numbers(name(column), array("numbers", numbers, to.rows));
    return 0;
  });
}

int polyscene_set_id_lists(polyscene_request* request, const char* column, const int64_t* offsets, const int64_t* ids,
                           int64_t count, char* error, size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    auto& to = given("request", request);
    to.columns.set_id_lists(name(column), to.lists(offsets), array("ids", ids, count));
    return 0;
  });
}

int polyscene_set_string_lists(polyscene_request* request, const char* column, const int64_t* offsets,
                               const char* const* texts, const size_t* lengths, int64_t count, char* error,
                               size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    auto& to = given("request", request);
    to.columns.set_string_lists(name(column), to.lists(offsets), strings(texts, lengths, count));
    return 0;
  });
}

int polyscene_set_number_lists(polyscene_request* request, const char* column, const int64_t* offsets,
                               const double* numbers, int64_t count, char* error, size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    auto& to = given("request", request);
    to.columns.set_number_lists(name(column), to.lists(offsets), array("numbers", numbers, count));
    return 0;
  });
}

int polyscene_score(polyscene_model* model, const polyscene_request* request, float* probabilities, char* error,
                    size_t error_bytes) {
  return guarded(error, error_bytes, 1, [&] {
    const polyscene_model& with = given("model", model);
    const polyscene_request& of = given("request", request);
    require(of.model == model, "[serve] wanted a request of this model, got one that was made with another");
    const std::span<float> scores = array("places for probabilities", probabilities, of.rows);
    const polyscene::core::Batch batch = of.columns.batch();
    std::vector<float> logits(scores.size());
    const polyscene::ThreadCountScope threads(with.threads);
    if (const polyscene::core::JoinOptions join = with.join_options(); join.most_rows > 0 && batch.rows > 0)
      of.version->joined.score(batch, logits, join);
    else
      of.version->scorers.score(batch, logits);
    const auto nan = std::ranges::find_if(logits, [](float logit) { return std::isnan(logit); });
    require(nan == logits.end(), "[serve] row ", nan - logits.begin(),
            " has no score but NaN: one of its numbers is too large for the model, or a row of a table is damaged");
    std::ranges::transform(logits, scores.begin(),
                           [](float logit) { return static_cast<float>(1 / (1 + std::exp(-double{logit}))); });
    return 0;
  });
}

}  // extern "C"
