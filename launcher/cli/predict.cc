#include <iostream>
#include <memory>

#include "core/data/prediction_writer.h"
#include "core/train/evaluator.h"
#include "core/train/trained_run.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/common.h"

namespace polyscene {
namespace {

struct PredictArguments {
  std::string run, split = "test", output;
  std::vector<std::string> overrides;
  RankOptions ranks;
};

// Every rank's rows of one batch, in rank order, on every rank.
PredictionRows gather(const Batch& batch, std::span<const float> logits, Communicator& communicator) {
  PredictionRows rows;
  rows.row_keys = communicator.all_gather_v<int64_t>(batch.row_keys);
  rows.scenario = communicator.all_gather_v<int64_t>(batch.scenario);
  for (const auto& group : batch.groups) rows.groups.push_back(communicator.all_gather_v<int64_t>(group));
  for (const auto& label : batch.labels) rows.labels.push_back(communicator.all_gather_v<float>(label));
  rows.logits = communicator.all_gather_v<float>(logits);
  return rows;
}

void run(const PredictArguments& arguments) {
  const Split split = parse_split(arguments.split);
  const config::Experiment experiment = load_run_config(arguments.run, arguments.overrides);
  run_ranks(arguments.ranks, [&](Communicator& communicator) {
    TrainedRun trained(arguments.run, experiment, split, communicator);
    std::unique_ptr<PredictionWriter> writer;
    if (communicator.rank() == 0)
      writer = std::make_unique<PredictionWriter>(arguments.output, trained.schema().groups, trained.schema().labels);
    int64_t count = 0;
    score(trained.session(), trained.source(), [&](const Batch& batch, std::span<const float> logits) {
      const PredictionRows rows = gather(batch, logits, communicator);
      count += static_cast<int64_t>(rows.logits.size());
      if (writer) writer->write(rows);
    });
    if (!writer) return;
    writer->finish();
    std::cout << count << " rows written to " << arguments.output << std::endl;
  });
}

}  // namespace

void add_predict_command(CLI::App& app) {
  auto arguments = std::make_shared<PredictArguments>();
  CLI::App* command = app.add_subcommand("predict", "Scores of a trained model for every row of a split, as Parquet");
  command->add_option("--run", arguments->run, "Folder that `polyscene train --output` wrote")->required()->type_name("DIR");
  command->add_option("--split", arguments->split, "train, valid or test")->capture_default_str()->type_name("SPLIT");
  command->add_option("--output", arguments->output, "Parquet file to write")->required()->type_name("FILE");
  command->add_option("--set", arguments->overrides, "Override a field of the run's configuration, e.g. data.root=DIR")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("FIELD=VALUE");
  add_rank_options(*command, arguments->ranks);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace polyscene
