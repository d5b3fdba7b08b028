// One user with many candidates, scored by an exported model on one core: median and 99th percentile, beside the time
// that the products alone take at the peak of oneDNN's sgemm on that core, measured in the same run.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "core/data/batch_source.h"
#include "core/export/onnx/model.h"
#include "core/serve/served_model.h"
#include "ops/base/error.h"
#include "ops/base/thread.h"
#include "tools/bench/flops.h"

namespace polyscene {
namespace {

struct Arguments {
  std::string model, input, onnx_sample;
  int64_t candidates = 100;
  int requests = 500;
  bool json = false;
};

// The first rows of a file, all of them of the user of the one with the longest history.
Batch one_user(const ServedModel& model, const Arguments& arguments) {
  config::Data data = model.experiment().data();
  const std::filesystem::path path = std::filesystem::absolute(arguments.input);
  data.set_root(path.parent_path().string());
  data.clear_test_files();
  data.add_test_files(path.filename().string());
  data.set_lanes(1);
  const auto source = make_parquet_source(
      data, {.split = Split::kTest, .batch_size = arguments.candidates, .shuffle = false, .min_tail_share = 0});
  source->start_epoch(0);
  std::optional<Batch> batch = source->next();
  require<DataError>(batch && batch->rows == arguments.candidates, "[bench] ", arguments.input, " has fewer than ",
                     arguments.candidates, " rows");
  const FeatureSchema& schema = model.schema();
  size_t user = 0;
  int32_t longest = -1;
  for (const SequenceBatch& sequence : batch->sequences)
    for (size_t row = 0; row + 1 < sequence.offsets.size(); ++row)
      if (const int32_t length = sequence.offsets[row + 1] - sequence.offsets[row]; length > longest)
        longest = length, user = row;
  for (size_t f = 0; f < schema.fields.size(); ++f)
    if (schema.fields[f].role == config::Feature::USER) std::ranges::fill(batch->fields[f], batch->fields[f][user]);
  for (SequenceBatch& sequence : batch->sequences) {
    const int32_t begin = sequence.offsets[user], length = sequence.offsets[user + 1] - begin;
    for (auto& side : sequence.sides) {
      const std::vector<int64_t> of_user(side.begin() + begin, side.begin() + begin + length);
      side.clear();
      for (int64_t row = 0; row < batch->rows; ++row) side.insert(side.end(), of_user.begin(), of_user.end());
    }
    for (int64_t row = 0; row <= batch->rows; ++row)
      sequence.offsets[static_cast<size_t>(row)] = static_cast<int32_t>(row) * length;
  }
  return std::move(*batch);
}

void run(const Arguments& arguments) {
  set_thread_count(1);
  const ServedModel model(arguments.model);
  const Batch batch = one_user(model, arguments);
  if (!arguments.onnx_sample.empty()) write_onnx_sample(arguments.onnx_sample, model, batch, {});
  Scorer scorer(model);
  std::vector<double> seconds;
  for (int i = -10; i < arguments.requests; ++i) {
    const double start = bench::now_s();
    (void)scorer.score(batch);
    if (i >= 0) seconds.push_back(bench::now_s() - start);
  }
  std::ranges::sort(seconds);
  const auto share = [&](double p) {
    return seconds[static_cast<size_t>(p * static_cast<double>(seconds.size() - 1))];
  };
  int64_t behaviours = 0;
  for (const SequenceBatch& s : batch.sequences) behaviours += s.offsets.back();
  const double flops = bench::forward_flops(model.experiment(), model.schema(), batch.rows, behaviours);
  const double peak = bench::sgemm_peak(), floor = flops / peak;
  std::printf(
      arguments.json ? "{\"candidates\": %lld, \"behaviours\": %lld, \"median_ms\": %.4f, \"p99_ms\": %.4f, "
                       "\"mflop\": %.1f, \"floor_ms\": %.4f, \"p99_over_floor\": %.3f, \"rows_per_s\": %.0f}\n"
                     : "one user, %lld candidates, %lld behaviours: median %.3f ms, p99 %.3f ms; %.1f MFLOP take "
                       "%.3f ms at the peak: p99 %.2f times that; %.0f rows/s\n",
      static_cast<long long>(batch.rows), static_cast<long long>(behaviours), 1e3 * share(0.5), 1e3 * share(0.99),
      flops / 1e6, 1e3 * floor, share(0.99) / floor, static_cast<double>(batch.rows) / share(0.5));
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) {
  polyscene::Arguments arguments;
  CLI::App app{"One user with many candidates on one core"};
  app.add_option("--model", arguments.model, "What polyscene export wrote")->required();
  app.add_option("--input", arguments.input, "Parquet file with rows as in training")->required();
  app.add_option("--candidates", arguments.candidates, "Rows of a request")->capture_default_str();
  app.add_option("--requests", arguments.requests, "Requests that are timed")->capture_default_str();
  app.add_option("--onnx-sample", arguments.onnx_sample,
                 "Also write the request as tools/onnx/score.py --sample wants it");
  app.add_flag("--json", arguments.json, "One JSON object");
  CLI11_PARSE(app, argc, argv);
  try {
    polyscene::run(arguments);
  } catch (const polyscene::Error& e) {
    std::cerr << e.what() << "\n";
    return static_cast<int>(e.kind());
  }
  return 0;
}
