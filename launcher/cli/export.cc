#include <cstdlib>
#include <iostream>
#include <memory>
#include <sstream>

#include "core/export/publish.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/common.h"
#include "launcher/job/environment.h"

namespace polyscene::launcher {
namespace {

struct ExportArguments {
  core::ExportJob job;
  std::string rows = "fp32", split = "valid", format = "store";
};

void run(ExportArguments& arguments) {
  require_alone(launched_job([](const char* variable) { return std::getenv(variable); }), "export");
  arguments.job.rows = core::parse_row_format(arguments.rows);
  arguments.job.split = parse_split(arguments.split);
  std::istringstream formats(arguments.format);
  for (std::string format; std::getline(formats, format, ',');) {
    require(format == "store" || format == "onnx" || format == "triton",
            "[launcher] wanted --format of store, onnx and triton, comma-separated, got \"", format, "\"");
    arguments.job.triton |= format == "triton";
    arguments.job.onnx |= format != "store";
  }
  require(arguments.job.onnx_check.empty() || arguments.job.onnx,
          "[launcher] --onnx-check wants an ONNX model to check; add --format onnx");
  export_model(arguments.job, std::cout);
}

}  // namespace

void add_export_command(CLI::App& app) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command = app.add_subcommand("export", "Export a trained model for serving, after a check of its scores");
  core::ExportJob& job = arguments->job;
  command->add_option("--run", job.run, "Folder that `polyscene train --output` wrote")->required()->type_name("DIR");
  command->add_option("--output", job.output, "Folder of versions 1, 2, ...; this export becomes the next one")
      ->required()
      ->type_name("DIR");
  command->add_flag("--best", job.best, "Export the model of the best evaluation, not that of the last step");
  command->add_option("--rows", arguments->rows, "Number format of embedding rows: fp32, bf16 or int8")
      ->capture_default_str();
  command->add_flag("--delta", job.delta,
                    "Export only the rows that changed since the newest full version; serving needs both versions");
  command->add_option("--format", arguments->format, "Comma-separated list of store (always written), onnx and triton")
      ->capture_default_str();
  command
      ->add_option(
          "--onnx-inside", job.onnx_inside_bytes,
          "Most bytes of tables to store in the ONNX model; if they are larger, looked-up rows become its inputs")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--onnx-check", job.onnx_check,
                   "Command run with the new version's folder before it is published; if it fails, the export fails")
      ->type_name("COMMAND");
  command
      ->add_option("--split", arguments->split,
                   "Split for the check: its first rows are scored by the trainer and by the exported model")
      ->capture_default_str();
  command->add_option("--sample", job.sample_rows, "Rows of the check; 0 skips it")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--set", job.overrides,
                   "Override a field of the run's configuration, e.g. data.root=DIR; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("FIELD=VALUE");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace polyscene::launcher
