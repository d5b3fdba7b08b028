#include <iostream>
#include <memory>

#include "core/train/evaluator.h"
#include "core/train/model_files.h"
#include "core/train/trained_run.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/common.h"

namespace polyscene {
namespace {

struct EvaluateArguments {
  std::string run, split = "test";
  std::vector<std::string> overrides;
  bool json = false;
  RankOptions ranks;
};

void run(const EvaluateArguments& arguments) {
  const Split split = parse_split(arguments.split);
  const config::Experiment experiment = load_run_config(arguments.run, arguments.overrides);
  run_ranks(arguments.ranks, [&](Communicator& communicator) {
    TrainedRun trained(arguments.run, experiment, split, communicator);
    const Evaluation evaluation = evaluate_split(trained.session(), trained.source());
    if (communicator.rank() != 0) return;
    if (arguments.json) {
      std::cout << evaluation.to_json() << std::endl;
    } else {
      evaluation.print(std::cout);
    }
  });
}

}  // namespace

void add_evaluate_command(CLI::App& app) {
  auto arguments = std::make_shared<EvaluateArguments>();
  CLI::App* command = app.add_subcommand("evaluate", "Metrics of a trained model on a split, per scenario and overall");
  command->add_option("--run", arguments->run, "Folder that `polyscene train --output` wrote")->required()->type_name("DIR");
  command->add_option("--split", arguments->split, "train, valid or test")->capture_default_str()->type_name("SPLIT");
  command->add_option("--set", arguments->overrides, "Override a field of the run's configuration, e.g. data.root=DIR")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("FIELD=VALUE");
  command->add_flag("--json", arguments->json, "One JSON object instead of a table");
  add_rank_options(*command, arguments->ranks);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace polyscene
