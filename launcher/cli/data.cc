#include <filesystem>
#include <iostream>
#include <map>
#include <memory>

#include "core/config/load.h"
#include "core/data/cut_row_groups.h"
#include "core/data/global_order.h"
#include "core/data/inspect.h"
#include "core/files/file_advice.h"
#include "core/run/output_rule.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/common.h"
#include "ops/base/error.h"

namespace polyscene::launcher {
namespace {

struct InspectArguments {
  std::string config, split = "train";
  std::vector<std::string> overrides;
};

// Prints how many rows training drops in every epoch because they are too few for a batch.
void print_tail(int64_t rows, const config::Train& train) {
  const core::GlobalOrder order({rows}, {.batch_size = train.batch_size(), .min_tail_share = train.min_tail_share()});
  const int64_t dropped = rows - order.steps() * train.batch_size();
  if (dropped > 0)
    std::cout << "dropped in every epoch: " << dropped << " rows, less than train.min_tail_share "
              << train.min_tail_share() << " of a batch of " << train.batch_size() << '\n';
}

void add_inspect_command(CLI::App& data) {
  auto arguments = std::make_shared<InspectArguments>();
  CLI::App* command = data.add_subcommand("inspect", "Read a split and report its rows, features and bad records");
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
    const core::Split split = parse_split(arguments->split);
    const config::Experiment experiment = core::load_experiment(arguments->config, arguments->overrides);
    const core::DataReport report = inspect(experiment.data(), split);
    print(std::cout, report);
    if (split == core::Split::kTrain) print_tail(report.rows, experiment.train());
  });
}

struct RewriteArguments {
  std::vector<std::string> files;
  std::string output;
  int64_t row_group_rows = 0;
};

// The file that each input is written to, in the order of the inputs. Throws InvalidArgument before anything is
// written: two inputs of one name, or an output that exists or is read.
std::vector<std::filesystem::path> targets_of(const RewriteArguments& arguments) {
  std::map<std::filesystem::path, std::string> source_of;
  std::vector<std::filesystem::path> targets;
  for (const std::string& file : arguments.files) {
    const auto target = std::filesystem::path(arguments.output) / std::filesystem::path(file).filename();
    const auto [other, is_new] = source_of.emplace(target, file);
    require(is_new, "[data] ", other->second, " and ", file, " would both be written to ", target.string(),
            "; give one of them another --output");
    core::require_output_file("--output", target.string(), {.files = arguments.files, .folders = {}});
    std::error_code ignored;
    require(!std::filesystem::exists(std::filesystem::symlink_status(target, ignored)), "[data] ", target.string(),
            " exists already; nothing was written, choose another --output or remove it");
    targets.push_back(target);
  }
  return targets;
}

void rewrite(const RewriteArguments& arguments) {
  const auto targets = targets_of(arguments);
  std::error_code error;
  std::filesystem::create_directories(arguments.output, error);
  if (error)
    core::throw_file_error(error.value(), arguments.output,
                           str("[data] cannot create the folder ", arguments.output, ": ", error.message()));
  for (size_t i = 0; i < targets.size(); ++i) {
    const core::CutFile cut = core::cut_row_groups(arguments.files[i], targets[i].string(), arguments.row_group_rows);
    std::cout << targets[i].string() << ": " << cut.rows << " rows in " << cut.groups_after << " row groups, before "
              << cut.groups_before << std::endl;
  }
}

void add_rewrite_command(CLI::App& data) {
  auto arguments = std::make_shared<RewriteArguments>();
  CLI::App* command = data.add_subcommand("rewrite", "Copy Parquet files with row groups of another size");
  command->add_option("--row-group-rows", arguments->row_group_rows, "Rows of a row group")
      ->required()
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30))
      ->type_name("N");
  command->add_option("--output", arguments->output, "Folder for the copies, which keep the names of their files")
      ->required()
      ->type_name("DIR");
  command->add_option("FILES", arguments->files, "Parquet files")->required()->type_name("FILE");
  command->callback([arguments] { rewrite(*arguments); });
}

}  // namespace

void add_data_command(CLI::App& app) {
  CLI::App* data = app.add_subcommand("data", "Inspect and rewrite data files");
  data->require_subcommand(1);
  add_inspect_command(*data);
  add_rewrite_command(*data);
}

}  // namespace polyscene::launcher
