#include <iostream>
#include <memory>

#include "core/config/load.h"
#include "core/data/global_order.h"
#include "core/data/inspect.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/common.h"

namespace polyscene {
namespace {

struct InspectArguments {
  std::string config, split = "train";
  std::vector<std::string> overrides;
};

// Prints how many rows training drops in every epoch because they are too few for a batch.
void print_tail(int64_t rows, const config::Train& train) {
  const GlobalOrder order({rows}, {.batch_size = train.batch_size(), .min_tail_share = train.min_tail_share()});
  const int64_t dropped = rows - order.steps() * train.batch_size();
  if (dropped > 0)
    std::cout << "dropped in every epoch: " << dropped << " rows, less than train.min_tail_share "
              << train.min_tail_share() << " of a batch of " << train.batch_size() << '\n';
}

}  // namespace

void add_data_command(CLI::App& app) {
  CLI::App* data = app.add_subcommand("data", "Inspect the data that a configuration reads");
  data->require_subcommand(1);
  auto arguments = std::make_shared<InspectArguments>();
  CLI::App* command = data->add_subcommand("inspect", "Read a split and report its rows, features and bad records");
  command->add_option("--config", arguments->config, "Experiment file (text protobuf)")->required()->type_name("FILE");
  command->add_option("--split", arguments->split, "Split to read: train, valid or test")
      ->capture_default_str()
      ->type_name("SPLIT");
  command
      ->add_option("--set", arguments->overrides, "Override a configuration field, e.g. data.root=DIR; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("FIELD=VALUE");
  command->callback([arguments] {
    const Split split = parse_split(arguments->split);
    const config::Experiment experiment = load_experiment(arguments->config, arguments->overrides);
    const DataReport report = inspect(experiment.data(), split);
    print(std::cout, report);
    if (split == Split::kTrain) print_tail(report.rows, experiment.train());
  });
}

}  // namespace polyscene
