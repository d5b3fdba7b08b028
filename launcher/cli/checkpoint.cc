#include "core/checkpoint/checkpoint.h"

#include <array>
#include <iostream>
#include <memory>

#include "core/checkpoint/diff.h"
#include "core/checkpoint/hash_check.h"
#include "core/checkpoint/held_model.h"
#include "core/checkpoint/inspect.h"
#include "core/checkpoint/rewrite.h"
#include "core/checkpoint/whole_beside.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/common.h"

namespace polyscene {
namespace {

void verify(const std::string& path) {
  const bool model = is_model(path);
  const HeldModel held(model ? path : find_checkpoint(path));
  const std::string& folder = held.path();
  const std::vector<std::string> damage = damage_of(folder);
  for (const std::string& sentence : damage) std::cout << sentence << '\n';
  require<DataError>(damage.empty(), "[checkpoint] ", folder, " is damaged, ", damage.size(),
                     damage.size() == 1 ? " file is" : " files are", " not as written; ",
                     model ? "restore it from a copy, or train it again"
                           : "resume from another; " + whole_beside(folder, *make_single_world()));
  const std::string unseen = without_hash(folder);
  require<DataError>(unseen.empty() || !model, "[checkpoint] cannot verify ", unseen,
                     "; a model that this program saves carries them");
  if (!unseen.empty()) std::cout << unseen << '\n';
  std::cout << folder << ": all files are as they were written\n";
}

void compact(const std::string& path) {
  const auto [checkpoint, links] = compact_checkpoint(path);
  std::cout << checkpoint << (links == 1 ? " is whole already\n" : str(": whole now, of ", links, " checkpoints\n"));
}

void diff(const std::string& a, const std::string& b) {
  if (!print_difference(std::cout, a, b))
    throw Error(ErrorKind::kOther, str("[checkpoint] ", a, " and ", b, " differ"));
}

struct ConvertArguments {
  std::string path, output;
  std::vector<std::string> overrides;
};

void convert(const ConvertArguments& arguments) {
  const std::string folder = convert_checkpoint(arguments.path, arguments.overrides, arguments.output, std::cout);
  std::cout << "converted to " << folder << "\nnext:    polyscene train --resume " << arguments.output << std::endl;
}

void add_convert_command(CLI::App& checkpoint) {
  auto arguments = std::make_shared<ConvertArguments>();
  CLI::App* command =
      checkpoint.add_subcommand("convert", "A checkpoint as the start of a run with another model or optimiser");
  command->add_option("PATH", arguments->path, "A checkpoint, or a run, whose newest is taken")->required();
  command->add_option("--output", arguments->output, "Folder of the run to make")->required()->type_name("DIR");
  command->add_option("--set", arguments->overrides, "What is to change, e.g. embedding.dim=8; repeat it for more")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("FIELD=VALUE");
  command->callback([arguments] { convert(*arguments); });
}

}  // namespace

void add_checkpoint_command(CLI::App& app) {
  CLI::App* checkpoint = app.add_subcommand("checkpoint", "Look at checkpoints of a run");
  checkpoint->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, void (*run)(const std::string&)) {
    auto path = std::make_shared<std::string>();
    CLI::App* command = checkpoint->add_subcommand(name, what);
    command->add_option("PATH", *path, "A checkpoint, or a run, whose newest is taken")->required();
    command->callback([path, run] { run(*path); });
  };
  add("inspect", "Where a run stood; rows, norms and not finite values of each table",
      [](const std::string& path) { print_checkpoint(std::cout, path); });
  add("verify", "Whether all files are as written; a model's folder will do", verify);
  add("compact", "Makes a checkpoint that adds to others whole, in its place", compact);
  add_convert_command(*checkpoint);
  auto paths = std::make_shared<std::array<std::string, 2>>();
  CLI::App* command =
      checkpoint->add_subcommand("diff", "What differs between two checkpoints or models; exit code 1 if any");
  command->add_option("A", (*paths)[0], "A checkpoint, a run, whose newest is taken, or a model's folder")->required();
  command->add_option("B", (*paths)[1], "Another")->required();
  command->callback([paths] { diff((*paths)[0], (*paths)[1]); });
}

}  // namespace polyscene
