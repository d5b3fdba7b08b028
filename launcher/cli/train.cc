#include <iostream>
#include <memory>
#include <optional>

#include "core/checkpoint/checkpoint.h"
#include "core/config/load.h"
#include "core/run/output_rule.h"
#include "core/train/trainer.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/common.h"
#include "launcher/job/stop_signal.h"

namespace polyscene::launcher {
namespace {

struct TrainArguments {
  std::optional<std::string> config, output, resume;
  std::vector<std::string> overrides;
  bool overwrite = false;
  RankOptions ranks;
};

void run(const TrainArguments& arguments) {
  core::TrainJob job;
  job.stop = &watch_stop_signals();
  if (!arguments.resume) {
    require(arguments.config.has_value(), "[launcher] --config is required, or --resume");
    require(arguments.output.has_value(), "[launcher] --output is required");
    job.experiment = core::load_experiment(*arguments.config, arguments.overrides);
    job.output = *arguments.output;
    core::require_output_folder("--output", job.output, {});
  } else {
    core::RunFolder(*arguments.resume).recover();
    job.resume = core::find_checkpoint(*arguments.resume);
    job.resume_newest = job.resume != core::RunFolder(*arguments.resume).path();
    job.experiment = core::load_resume_config(job.resume, arguments.overrides);
    job.output = core::run_of_checkpoint(job.resume);
  }
  job.overwrite = arguments.overwrite;
  RankOptions options = arguments.ranks;
  options.virtual_ranks = job.experiment.train().virtual_ranks();
  const Ranks ranks(options);
  job.real_ranks = ranks.real();
  ranks.run([&](const dist::Rank& rank) { train(job, rank, std::cout); });
}

}  // namespace

void add_train_command(CLI::App& app) {
  auto arguments = std::make_shared<TrainArguments>();
  CLI::App* command = app.add_subcommand("train", "Train a model, with one rank or with several under mpirun");
  CLI::Option* config = command
                            ->add_option("--config", arguments->config,
                                         "Experiment file (text protobuf), such as those in configs/experiments")
                            ->type_name("FILE");
  CLI::Option* output =
      command->add_option("--output", arguments->output, "Folder for the new run: model, metrics, TensorBoard events")
          ->type_name("DIR");
  command
      ->add_option("--resume", arguments->resume,
                   "Resume the run in this folder from its newest checkpoint, or resume from this checkpoint")
      ->type_name("DIR")
      ->excludes(config)
      ->excludes(output);
  command
      ->add_option("--set", arguments->overrides,
                   "Override a configuration field, e.g. train.batch_size=4096; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("FIELD=VALUE");
  command->add_flag("--overwrite", arguments->overwrite, "Replace the run in the output folder, if there is one")
      ->excludes("--resume");
  add_rank_options(*command, arguments->ranks);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace polyscene::launcher
