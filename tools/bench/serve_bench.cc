// Scores one user with many candidates by an exported model on one core: median and 99th percentile, compared with the
// time of the products alone at the peak of oneDNN's sgemm on that core, measured in the same run. Or several callers
// with a few candidates per request, whose requests are scored alone and joined, in alternation.
#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "core/data/batch_source.h"
#include "core/export/onnx/model.h"
#include "core/serve/joined_scoring.h"
#include "core/serve/scorer_pool.h"
#include "core/serve/served_model.h"
#include "ops/base/error.h"
#include "ops/base/thread.h"
#include "tools/bench/callers.h"
#include "tools/bench/flops.h"

namespace polyscene {
namespace {

struct Arguments {
  std::string model, input, onnx_sample;
  int64_t candidates = 100;
  int requests = 500;
  int callers = 0, at_once = 1, rounds = 7;
  int64_t rows = 4, join = 0, wait_us = 0;
  bool json = false;
};

// Opens the file as batches of `rows` rows.
std::unique_ptr<core::BatchSource> open_input(const core::ServedModel& model, const Arguments& arguments,
                                              int64_t rows) {
  config::Data data = model.experiment().data();
  const std::filesystem::path path = std::filesystem::absolute(arguments.input);
  data.set_root(path.parent_path().string());
  data.clear_test_files();
  data.add_test_files(path.filename().string());
  data.set_lanes(1);
  auto source = core::make_parquet_source(
      data, {.split = core::Split::kTest, .batch_size = rows, .shuffle = false, .min_tail_share = 0});
  source->start_epoch(0);
  return source;
}

// The source's next `rows` rows, all with the user columns of the row with the longest history; nothing if fewer are
// left.
std::optional<core::Batch> one_user(core::BatchSource& source, const core::FeatureSchema& schema, int64_t rows) {
  std::optional<core::Batch> batch = source.next();
  if (!batch || batch->rows < rows) return std::nullopt;
  size_t user = 0;
  int32_t longest = -1;
  for (const core::SequenceBatch& sequence : batch->sequences)
    for (size_t row = 0; row + 1 < sequence.offsets.size(); ++row)
      if (const int32_t length = sequence.offsets[row + 1] - sequence.offsets[row]; length > longest)
        longest = length, user = row;
  for (size_t f = 0; f < schema.fields.size(); ++f)
    if (schema.fields[f].role == config::Feature::USER) std::ranges::fill(batch->fields[f], batch->fields[f][user]);
  for (core::SequenceBatch& sequence : batch->sequences) {
    const int32_t begin = sequence.offsets[user], length = sequence.offsets[user + 1] - begin;
    for (auto& side : sequence.sides) {
      const std::vector<int64_t> of_user(side.begin() + begin, side.begin() + begin + length);
      side.clear();
      for (int64_t row = 0; row < batch->rows; ++row) side.insert(side.end(), of_user.begin(), of_user.end());
    }
    for (int64_t row = 0; row <= batch->rows; ++row)
      sequence.offsets[static_cast<size_t>(row)] = static_cast<int32_t>(row) * length;
  }
  return batch;
}

core::Batch one_request(const core::ServedModel& model, const Arguments& arguments) {
  std::optional<core::Batch> batch =
      one_user(*open_input(model, arguments, arguments.candidates), model.schema(), arguments.candidates);
  require<DataError>(batch.has_value(), "[bench] ", arguments.input, " has fewer than ", arguments.candidates, " rows");
  return std::move(*batch);
}

void run_one_user(const Arguments& arguments) {
  set_thread_count(1);
  const core::ServedModel model(arguments.model);
  const core::Batch batch = one_request(model, arguments);
  if (!arguments.onnx_sample.empty()) write_onnx_sample(arguments.onnx_sample, model, batch, {});
  core::Scorer scorer(model);
  std::vector<double> seconds;
  for (int i = -10; i < arguments.requests; ++i) {
    const double start = bench::now_s();
    (void)scorer.score(batch);
    if (i >= 0) seconds.push_back(bench::now_s() - start);
  }
  const double median = bench::quantile(seconds, 0.5), p99 = bench::quantile(seconds, 0.99);
  int64_t behaviours = 0;
  for (const core::SequenceBatch& s : batch.sequences) behaviours += s.offsets.back();
  const double flops = bench::forward_flops(model.experiment(), model.schema(), batch.rows, behaviours);
  const double peak = bench::sgemm_peak(), floor = flops / peak;
  std::printf(arguments.json
                  ? "{\"candidates\": %lld, \"behaviours\": %lld, \"median_ms\": %.4f, \"p99_ms\": %.4f, "
                    "\"mflop\": %.1f, \"floor_ms\": %.4f, \"p99_over_floor\": %.3f, \"rows_per_s\": %.0f}\n"
                  : "one user, %lld candidates, %lld behaviours: median %.3f ms, p99 %.3f ms; %.1f MFLOP take "
                    "%.3f ms at the peak: p99 %.2f times that; %.0f rows/s\n",
              static_cast<long long>(batch.rows), static_cast<long long>(behaviours), 1e3 * median, 1e3 * p99,
              flops / 1e6, 1e3 * floor, p99 / floor, static_cast<double>(batch.rows) / median);
}

std::vector<core::Batch> short_requests(const core::ServedModel& model, const Arguments& arguments) {
  constexpr size_t kMost = 256;
  const auto source = open_input(model, arguments, arguments.rows);
  std::vector<core::Batch> requests;
  while (requests.size() < kMost) {
    std::optional<core::Batch> batch = one_user(*source, model.schema(), arguments.rows);
    if (!batch) break;
    requests.push_back(std::move(*batch));
  }
  require<DataError>(!requests.empty(), "[bench] ", arguments.input, " has fewer than ", arguments.rows, " rows");
  return requests;
}

void run_callers(const Arguments& arguments) {
  const core::ServedModel model(arguments.model);
  const std::vector<core::Batch> requests = short_requests(model, arguments);
  core::ScorerPool scorers(model);
  std::atomic<int64_t> batches = 0, rows = 0;
  core::JoinedScoring joined([&](const core::Batch& batch, std::span<float> logits) {
    ++batches;
    rows += batch.rows;
    scorers.score(batch, logits);
  });
  const core::JoinOptions options{
      .most_rows = arguments.join, .wait = std::chrono::microseconds(arguments.wait_us), .at_once = arguments.at_once};
  const auto alone = [&](const core::Batch& batch, std::span<float> logits) { scorers.score(batch, logits); };
  const auto together = [&](const core::Batch& batch, std::span<float> logits) {
    joined.score(batch, logits, options);
  };
  std::vector<bench::CallersRound> of_alone, of_joined, ratios;
  for (int round = -1; round < arguments.rounds; ++round) {
    const auto a = bench::run_callers(arguments.callers, arguments.requests, requests, alone);
    const auto j = arguments.join > 0 ? bench::run_callers(arguments.callers, arguments.requests, requests, together)
                                      : bench::CallersRound{};
    if (round < 0) continue;
    of_alone.push_back(a);
    of_joined.push_back(j);
    ratios.push_back({.requests_per_s = j.requests_per_s / a.requests_per_s,
                      .median_ms = j.median_ms / a.median_ms,
                      .p99_ms = j.p99_ms / a.p99_ms});
  }
  const auto say = [&](const char* text, const char* json, const bench::CallersRound& r) {
    std::printf(arguments.json ? json : text, r.requests_per_s, r.median_ms, r.p99_ms);
  };
  std::printf(arguments.json ? "{\"callers\": %d, \"rows\": %lld" : "%d callers of %lld rows\n", arguments.callers,
              static_cast<long long>(arguments.rows));
  say("alone:  %.0f requests/s, median %.3f ms, p99 %.3f ms\n",
      ", \"alone\": {\"requests_per_s\": %.1f, \"median_ms\": %.4f, \"p99_ms\": %.4f}", bench::median_of(of_alone));
  if (arguments.join > 0) {
    say("joined: %.0f requests/s, median %.3f ms, p99 %.3f ms",
        ", \"joined\": {\"requests_per_s\": %.1f, \"median_ms\": %.4f, \"p99_ms\": %.4f}", bench::median_of(of_joined));
    std::printf(arguments.json ? ", \"rows_per_batch\": %.2f" : "; %.1f rows a batch\n",
                static_cast<double>(rows) / static_cast<double>(batches));
    say("joined over alone, median of the rounds: %.2f times the requests/s, %.2f the median, %.2f the p99\n",
        ", \"joined_over_alone\": {\"requests_per_s\": %.3f, \"median_ms\": %.3f, \"p99_ms\": %.3f}",
        bench::median_of(ratios));
  }
  if (arguments.json) std::printf("}\n");
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) {
  polyscene::Arguments arguments;
  CLI::App app{"One user with many candidates on one core, or several callers with few"};
  app.add_option("--model", arguments.model, "What polyscene export wrote")->required();
  app.add_option("--input", arguments.input, "Parquet file with rows as in training")->required();
  app.add_option("--candidates", arguments.candidates, "Rows of a request")->capture_default_str();
  app.add_option("--requests", arguments.requests, "Requests that are timed; of each caller, in a round")
      ->capture_default_str();
  app.add_option("--callers", arguments.callers, "Threads that score requests of --rows rows at the same time");
  app.add_option("--rows", arguments.rows, "Candidates of a caller's request")->capture_default_str();
  app.add_option("--join", arguments.join, "Also join callers' requests to batches of up to so many rows, by turns");
  app.add_option("--wait-us", arguments.wait_us, "How long a joined request waits for others")->capture_default_str();
  app.add_option("--at-once", arguments.at_once, "Joined batches that are scored at once")->capture_default_str();
  app.add_option("--rounds", arguments.rounds, "Rounds of callers, of which medians are taken")->capture_default_str();
  app.add_option("--onnx-sample", arguments.onnx_sample,
                 "Also write the request as tools/onnx/score.py --sample wants it");
  app.add_flag("--json", arguments.json, "One JSON object");
  CLI11_PARSE(app, argc, argv);
  try {
    arguments.callers > 0 ? polyscene::run_callers(arguments) : polyscene::run_one_user(arguments);
  } catch (const polyscene::Error& e) {
    std::cerr << e.what() << "\n";
    return static_cast<int>(e.kind());
  }
  return 0;
}
