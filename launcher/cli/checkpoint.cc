#include "core/checkpoint/checkpoint.h"

#include <array>
#include <iostream>
#include <memory>

#include "core/checkpoint/diff.h"
#include "core/checkpoint/hash_check.h"
#include "core/checkpoint/held_model.h"
#include "core/checkpoint/inspect.h"
#include "core/checkpoint/newest_undamaged.h"
#include "core/checkpoint/rewrite.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/common.h"

namespace polyscene::launcher {
namespace {

void verify(const std::string& path) {
  const bool model = core::is_model(path);
  const core::HeldModel held(model ? path : core::find_checkpoint(path));
  const std::string& folder = held.path();
  const std::vector<std::string> damage = core::damage_of(folder);
  for (const std::string& sentence : damage) std::cout << sentence << '\n';
  require<DataError>(damage.empty(), "[checkpoint] ", folder, " is damaged, ", damage.size(),
                     damage.size() == 1 ? " file is" : " files are", " not as written; ",
                     model ? "restore it from a copy, or train it again"
                           : "resume from another; " + core::newest_undamaged(folder, *dist::make_single_world()));
  const std::string unseen = core::without_hash(folder);
  require<DataError>(unseen.empty() || !model, "[checkpoint] cannot verify: ", unseen,
                     "; models that this version saves have hashes");
  if (!unseen.empty()) std::cout << unseen << '\n';
  std::cout << folder << ": all files are as they were written\n";
}

void compact(const std::string& path) {
  const auto [checkpoint, links] = core::compact_checkpoint(path);
  std::cout << checkpoint
            << (links == 1 ? " is already a full checkpoint\n"
                           : str(" is now a full checkpoint, joined from ", links, " checkpoints\n"));
}

void diff(const std::string& a, const std::string& b) {
  if (!core::print_difference(std::cout, a, b))
    throw Error(ErrorKind::kOther, str("[checkpoint] ", a, " and ", b, " differ"));
}

struct ConvertArguments {
  std::string path, output;
  std::vector<std::string> overrides;
};

void convert(const ConvertArguments& arguments) {
  const std::string folder = core::convert_checkpoint(arguments.path, arguments.overrides, arguments.output, std::cout);
  std::cout << "converted to " << folder << "\nnext:    polyscene train --resume " << arguments.output << std::endl;
}

void add_convert_command(CLI::App& checkpoint) {
  auto arguments = std::make_shared<ConvertArguments>();
  CLI::App* command =
      checkpoint.add_subcommand("convert", "Make a run from a checkpoint, with another model or optimiser");
  command->add_option("PATH", arguments->path, "Checkpoint, or run folder, whose newest checkpoint is used")
      ->required();
  command->add_option("--output", arguments->output, "Folder of the new run")->required()->type_name("DIR");
  command
      ->add_option("--set", arguments->overrides,
                   "Configuration field to change, e.g. embedding.dim=8; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("FIELD=VALUE");
  command->callback([arguments] { convert(*arguments); });
}

}  // namespace

void add_checkpoint_command(CLI::App& app) {
  CLI::App* checkpoint = app.add_subcommand("checkpoint", "Inspect, verify, compact, convert or compare checkpoints");
  checkpoint->require_subcommand(1);
  const auto add = [&](const char* name, const char* does, const char* wants, void (*run)(const std::string&)) {
    auto path = std::make_shared<std::string>();
    CLI::App* command = checkpoint->add_subcommand(name, does);
    command->add_option("PATH", *path, wants)->required();
    command->callback([path, run] { run(*path); });
  };
  const char* checkpoint_or_model = "Checkpoint or model folder, or run folder, whose newest checkpoint is used";
  add("inspect", "Print the step, and per table rows, norms and non-finite values", checkpoint_or_model,
      [](const std::string& path) { core::print_checkpoint(std::cout, path); });
  add("verify", "Compare every file of a checkpoint or model with its hash", checkpoint_or_model, verify);
  add("compact", "Make an incremental checkpoint a full one, in its folder",
      "Checkpoint, or run folder, whose newest checkpoint is used", compact);
  add_convert_command(*checkpoint);
  auto paths = std::make_shared<std::array<std::string, 2>>();
  CLI::App* command =
      checkpoint->add_subcommand("diff", "Compare two checkpoints or models; exit with 1 if they differ");
  command->add_option("A", (*paths)[0], checkpoint_or_model)->required();
  command->add_option("B", (*paths)[1], "The same, to compare with A")->required();
  command->callback([paths] { diff((*paths)[0], (*paths)[1]); });
}

}  // namespace polyscene::launcher
