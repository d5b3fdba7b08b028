// Measures training steps on batches held in memory: samples/s, the time of each stage, and the dense part's share of
// the peak of oneDNN's sgemm in the same run. The arithmetic counts the products of real behaviours, forward times
// three, as if nothing were computed once per distinct behaviour. On a device: samples/s, and how often the host waited
// for it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>

#include "core/config/load.h"
#include "core/data/batch_source.h"
#include "core/session/batches_ahead.h"
#include "core/session/session.h"
#include "launcher/cli/common.h"
#include "ops/base/thread.h"
#include "tools/bench/flops.h"

namespace polyscene {
namespace {

struct Arguments {
  std::string config;
  std::vector<std::string> overrides;
  int64_t batch = 4096;
  int batches = 8;
  int rounds = 5;
  bool json = false, ops = false;
  launcher::RankOptions ranks;
};

using bench::now_s;

// Reads the batches, from as many epochs as it takes.
std::vector<core::Batch> read_batches(const config::Experiment& experiment, const Arguments& arguments,
                                      const dist::Communicator& communicator) {
  const auto source = core::make_parquet_source(experiment.data(), {.split = core::Split::kTrain,
                                                                    .rank = communicator.rank(),
                                                                    .ranks = communicator.size(),
                                                                    .seed = experiment.seed(),
                                                                    .batch_size = arguments.batch});
  std::vector<core::Batch> batches;
  const auto wanted = static_cast<size_t>(arguments.batches);
  size_t before = 0;
  for (int64_t epoch = 0; batches.size() < wanted && (epoch == 0 || batches.size() > before); ++epoch) {
    before = batches.size();
    source->start_epoch(epoch);
    while (batches.size() < wanted) {
      std::optional<core::Batch> batch = source->next();
      if (!batch) break;
      batches.push_back(std::move(*batch));
    }
  }
  return batches;
}

double median(std::vector<double> v) {
  std::ranges::sort(v);
  return v[v.size() / 2];
}

void report_stages(const core::Session& session, double steps) {
  double total = 0;
  for (double s : session.stage_seconds()) total += s;
  for (size_t i = 0; i < core::kStageNames.size(); ++i)
    std::printf("  %-16s %5.1f %%  %8.3f ms/step\n", std::string(core::kStageNames[i]).c_str(),
                100 * session.stage_seconds()[i] / total, 1e3 * session.stage_seconds()[i] / steps);
}

void report_operators(const core::Session& session, double steps) {
  const double dense = session.stage_seconds()[static_cast<size_t>(core::Stage::kDense)];
  for (const OpTime& t : session.executor().profile())
    std::printf("  %-26s %5lld calls  %8.3f ms/step  %5.1f %% of dense\n", t.op.c_str(),
                static_cast<long long>(t.calls), 1e3 * t.seconds / steps, 100 * t.seconds / dense);
}

// The host's peak does not apply to a device, so no share is printed. Stages are those of the host, which only queues
// work; with --ops it waits for each node.
void report_device(const Arguments& arguments, const core::Session& session, const dist::Communicator& communicator,
                   const Device& device, double samples_s, double step_s, double host_s, double waits, double steps) {
  std::printf(arguments.json
                  ? "{\"batch\": %lld, \"ranks\": %d, \"device\": \"%s\", \"samples_per_s\": %.0f, \"step_ms\": "
                    "%.4f, \"host_ms\": %.4f, \"waits_per_step\": %.3f}\n"
                  : "batch %lld, %d rank(s) on %s: %.0f samples/s, step %.4f ms, of which the host is busy %.4f ms, "
                    "%.3f waits of the host per step\n",
              static_cast<long long>(arguments.batch), communicator.size(), device.name().c_str(), samples_s,
              1e3 * step_s, 1e3 * host_s, waits / steps);
  if (arguments.json) return;
  report_stages(session, steps);
  if (arguments.ops) report_operators(session, steps);
}

void run(const Arguments& arguments, const config::Experiment& experiment, const dist::Rank& rank) {
  dist::Communicator& communicator = rank.communicator;
  const core::FeatureSchema schema = core::FeatureSchema::from(experiment.data());
  const std::vector<core::Batch> batches = read_batches(experiment, arguments, communicator);
  require(!batches.empty(), "[bench] the training split holds less than half a batch of ", arguments.batch);
  core::Session session(experiment, schema, rank, {.profile = arguments.ops});
  const auto* on = std::get_if<dist::OnDevice>(&rank.runs_on);
  size_t next = 0;
  core::BatchesAhead ahead(
      [&] { return std::shared_ptr<const core::Batch>(&batches[next++ % batches.size()], [](auto*) {}); }, session);
  const auto take_steps = [&](size_t count, std::vector<double>* seconds) {
    for (size_t s = 0; s < count; ++s) {
      const double start = now_s();
      const auto item = ahead.next();
      session.train_step(item->batch, item->batch.global_rows, 1.0, item->prepared);
      if (seconds != nullptr) seconds->push_back(now_s() - start);
    }
  };
  take_steps(batches.size(), nullptr);  // warm-up: creates rows and touches memory
  session.reset_times();
  std::vector<double> seconds, peaks;
  double host_seconds = 0;
  int64_t waits = 0;
  if (on == nullptr) {
    for (int round = 0; round < arguments.rounds; ++round) {
      communicator.barrier();
      peaks.push_back(bench::sgemm_peak());
      communicator.barrier();
      take_steps(batches.size(), &seconds);
    }
  } else {
    // All rounds are timed together: the host runs ahead of the device, so single steps cannot be timed, and a wait
    // between rounds would let batches be prepared in the meantime.
    Device& device = on->device;
    device.synchronize();
    communicator.barrier();
    const int64_t waits_before = device.use().waits(HostWait::kResult);
    const size_t steps = static_cast<size_t>(arguments.rounds) * batches.size();
    const double start = now_s();
    take_steps(steps, nullptr);
    host_seconds = now_s() - start;
    waits = device.use().waits(HostWait::kResult) - waits_before;
    device.synchronize();
    seconds.assign(steps, (now_s() - start) / static_cast<double>(steps));
  }
  if (communicator.rank() != 0) return;

  int64_t rows = 0, global_rows = 0, behaviours = 0;
  for (const core::Batch& b : batches) {
    rows += b.rows;
    global_rows += b.global_rows;
    for (const core::SequenceBatch& s : b.sequences) behaviours += s.offsets.back();
  }
  const auto steps = static_cast<double>(seconds.size());
  const double flops = 3 * bench::forward_flops(experiment, schema, rows, behaviours) * arguments.rounds;
  const double samples_s = static_cast<double>(global_rows) / static_cast<double>(batches.size()) / median(seconds);
  if (on != nullptr) {
    report_device(arguments, session, communicator, on->device, samples_s, median(seconds), host_seconds / steps,
                  static_cast<double>(waits), steps);
    return;
  }
  const double dense = session.stage_seconds()[static_cast<size_t>(core::Stage::kDense)];
  const double peak = median(peaks);
  if (arguments.json) {
    std::printf(
        "{\"batch\": %lld, \"ranks\": %d, \"threads\": %d, \"samples_per_s\": %.0f, \"peak_gflops\": %.1f, "
        "\"dense_gflops\": %.1f, \"dense_share_of_peak\": %.4f}\n",
        static_cast<long long>(arguments.batch), communicator.size(), thread_count(), samples_s, peak / 1e9,
        flops / dense / 1e9, flops / dense / peak);
    return;
  }
  std::printf(
      "batch %lld, %d rank(s) x %d thread(s), %zu batches x %d rounds, mean length %.1f, distinct behaviours %.1f %%\n",
      static_cast<long long>(arguments.batch), communicator.size(), thread_count(), batches.size(), arguments.rounds,
      static_cast<double>(behaviours) / static_cast<double>(std::max<int64_t>(rows, 1)),
      100.0 * static_cast<double>(session.inputs().distinct_behaviours()) /
          static_cast<double>(std::max<int64_t>(session.inputs().behaviours(), 1)));
  std::printf("samples/s          %.0f (median step %.2f ms)\n", samples_s, 1e3 * median(seconds));
  report_stages(session, steps);
  std::printf("sgemm peak         %.1f GFLOP/s (%d threads; median of %d)\n", peak / 1e9, thread_count(),
              arguments.rounds);
  std::printf("dense fwd+bwd      %.1f GFLOP/s, %.1f %% of the peak (%.2f MFLOP per sample)\n", flops / dense / 1e9,
              100 * flops / dense / peak, flops / arguments.rounds / static_cast<double>(rows) / 1e6);
  if (arguments.ops) report_operators(session, steps);
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) {
  polyscene::Arguments arguments;
  CLI::App app{"Training steps on batches in memory: samples/s, stages, share of the sgemm peak"};
  app.add_option("--config", arguments.config, "Experiment file")->required();
  app.add_option("--set", arguments.overrides, "Override a field")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--batch", arguments.batch, "Global batch size")->capture_default_str();
  app.add_option("--batches", arguments.batches, "Batches held in memory, of as many epochs as it takes")
      ->capture_default_str();
  app.add_option("--rounds", arguments.rounds, "Passes over them")->capture_default_str();
  polyscene::launcher::add_rank_options(app, arguments.ranks);
  app.add_flag("--json", arguments.json, "One JSON object");
  app.add_flag("--ops", arguments.ops, "Time per operator");
  CLI11_PARSE(app, argc, argv);
  try {
    const auto experiment = polyscene::core::load_experiment(arguments.config, arguments.overrides);
    arguments.ranks.virtual_ranks = experiment.train().virtual_ranks();
    polyscene::launcher::Ranks(arguments.ranks).run([&](const polyscene::dist::Rank& rank) {
      run(arguments, experiment, rank);
    });
  } catch (const polyscene::Error& e) {
    std::cerr << e.what() << "\n";
    return static_cast<int>(e.kind());
  }
  return 0;
}
