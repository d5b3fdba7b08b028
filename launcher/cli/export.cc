#include <cstdlib>
#include <iostream>
#include <memory>
#include <sstream>

#include "core/export/publish.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/common.h"
#include "launcher/job/environment.h"

namespace polyscene {
namespace {

struct ExportArguments {
  ExportJob job;
  std::string rows = "fp32", split = "valid", format = "store";
};

void run(ExportArguments& arguments) {
  require_alone(announced_processes([](const char* variable) { return std::getenv(variable); }), "export");
  arguments.job.rows = parse_row_format(arguments.rows);
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
  CLI::App* command = app.add_subcommand("export", "A trained model as a folder to serve it from, its scores checked");
  ExportJob& job = arguments->job;
  command->add_option("--run", job.run, "Folder of a training run")->required()->type_name("DIR");
  command->add_option("--output", job.output, "Folder of versions; the next number is added")
      ->required()
      ->type_name("DIR");
  command->add_flag("--best", job.best, "The model of the best evaluation, where it is kept beside the last one");
  command->add_option("--rows", arguments->rows, "Embedding rows as fp32, bf16 or int8")->capture_default_str();
  command->add_flag("--delta", job.delta,
                    "Only rows that differ from those of the newest version that is whole, which must stay beside it");
  command->add_option("--format", arguments->format, "store (always there), onnx, triton: several with commas between")
      ->capture_default_str();
  command
      ->add_option("--onnx-inside", job.onnx_inside_bytes,
                   "Tables of at most so many bytes together are inside the ONNX model, larger ones inputs of it")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--onnx-check", job.onnx_check, "Command that gets the folder before it is published, and may fail")
      ->type_name("COMMAND");
  command->add_option("--split", arguments->split, "Whose first rows are scored with trainer and exported model")
      ->capture_default_str();
  command->add_option("--sample", job.sample_rows, "How many of them; 0: none, and nothing is checked")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--set", job.overrides, "Override a field, e.g. data.root=DIR")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("FIELD=VALUE");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace polyscene
