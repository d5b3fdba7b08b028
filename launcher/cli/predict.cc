#include <iostream>
#include <memory>

#include "core/data/gather_carried.h"
#include "core/data/prediction_writer.h"
#include "core/run/output_rule.h"
#include "core/session/evaluator.h"
#include "core/session/left_out.h"
#include "core/train/trained_run.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/common.h"

namespace polyscene::launcher {
namespace {

struct PredictArguments : ScoreOptions {
  std::string output;
};

// The rows of one batch of all ranks, in rank order, on every rank.
core::PredictionRows gather(const core::Batch& batch, std::span<const float> logits, dist::Communicator& communicator) {
  core::PredictionRows rows;
  rows.carried = core::gather_carried(batch.carried, communicator);
  for (const auto& label : batch.labels) rows.labels.push_back(communicator.all_gather_v<float>(label));
  rows.logits = communicator.all_gather_v<float>(logits);
  return rows;
}

void run(const PredictArguments& arguments) {
  core::ScoreJob job = arguments.job;
  job.split = parse_split(arguments.split);
  job.predicts = true;
  job.overrides = arguments.overrides;
  const config::Experiment experiment = load_run_config(job);  // reports errors before ranks connect
  core::require_output_file("--output", arguments.output,
                            {.files = core::files_of_all_splits(experiment.data()), .folders = {}});
  Ranks(arguments.ranks).run([&](const dist::Rank& rank) {
    core::TrainedRun trained(job, rank);
    dist::Communicator& communicator = rank.communicator;
    std::unique_ptr<core::PredictionWriter> writer;
    if (communicator.rank() == 0)
      writer = std::make_unique<core::PredictionWriter>(arguments.output, trained.source().carried_schema(),
                                                        trained.labels());
    int64_t count = 0;
    score(trained.session(), trained.source(), [&](const core::Batch& batch, std::span<const float> logits) {
      const core::PredictionRows rows = gather(batch, logits, communicator);
      count += std::ssize(rows.logits);
      if (writer) writer->write(rows);
    });
    const core::SourceCounters read = over_ranks(trained.source().counters(), communicator);
    require_good_rows("split " + arguments.split, read, rejects_location(job));
    if (!writer) return;
    writer->finish();
    std::ostream& out = message_stream(arguments.output);
    out << count << " rows written to " << arguments.output << '\n';
    print_left_out(out, "split " + arguments.split, read, rejects_location(job));
    out << std::flush;
  });
}

}  // namespace

void add_predict_command(CLI::App& app) {
  auto arguments = std::make_shared<PredictArguments>();
  CLI::App* command = app.add_subcommand("predict", "Score every row of a split with a trained model; write Parquet");
  add_score_options(*command, *arguments);
  command->add_option("--output", arguments->output, "Parquet file to write")->required()->type_name("FILE");
  add_carry_option(*command, arguments->job.carry);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace polyscene::launcher
