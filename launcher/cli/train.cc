#include <iostream>
#include <memory>

#include "core/config/load.h"
#include "core/train/trainer.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/common.h"
#include "launcher/job/stop_signal.h"

namespace polyscene {
namespace {

struct TrainArguments {
  std::string config, output;
  std::vector<std::string> overrides;
  bool overwrite = false;
  RankOptions ranks;
};

void run(const TrainArguments& arguments) {
  TrainJob job{.experiment = load_experiment(arguments.config, arguments.overrides),
               .output = arguments.output,
               .overwrite = arguments.overwrite,
               .stop = &watch_stop_signals()};
  RankOptions options = arguments.ranks;
  options.virtual_ranks = job.experiment.train().virtual_ranks();
  const Ranks ranks(options);
  job.real_ranks = ranks.real();
  job.transport = device_transport(options);
  ranks.run([&](Communicator& communicator, Device* device) { train(job, communicator, device, std::cout); });
}

}  // namespace

void add_train_command(CLI::App& app) {
  auto arguments = std::make_shared<TrainArguments>();
  CLI::App* command = app.add_subcommand("train", "Train a model; under mpirun on all its ranks");
  command->add_option("--config", arguments->config, "Experiment file (text protobuf), see configs/experiments")
      ->required()
      ->type_name("FILE");
  command->add_option("--output", arguments->output, "Folder for the run: model, metrics, events")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--set", arguments->overrides, "Override a field of the configuration, e.g. train.batch_size=4096")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("FIELD=VALUE");
  command->add_flag("--overwrite", arguments->overwrite, "Replace a run that the output folder already holds");
  add_rank_options(*command, arguments->ranks);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace polyscene
