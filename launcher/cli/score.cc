#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>

#include "core/data/absent_columns.h"
#include "core/data/batch_source.h"
#include "core/data/prediction_writer.h"
#include "core/run/output_rule.h"
#include "core/serve/served_model.h"
#include "core/session/left_out.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/common.h"
#include "launcher/job/environment.h"
#include "ops/base/thread.h"

namespace polyscene::launcher {
namespace {

struct ScoreArguments {
  std::string model, input, output;
  std::vector<std::string> carry;
  int64_t batch = 4096;
  int threads = 1;
  bool verify = false;
};

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void check_input(const std::string& input) {
  std::error_code error;
  const auto status = std::filesystem::status(input, error);
  require<DataError>(std::filesystem::exists(status), "[launcher] --input: cannot open \"", input,
                     "\": ", error ? error.message() : "No such file or directory");
  require<DataError>(!std::filesystem::is_directory(status), "[launcher] --input: \"", input,
                     "\" is a folder, wanted one Parquet file; score the files in it one by one");
}

// Escapes a file's name for use as a pattern.
std::string escaped(const std::string& name) {
  std::string text;
  for (const char c : name) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

// The data configuration of training, with the input file as the test split.
config::Data data_of(const core::ServedModel& model, const std::string& input) {
  config::Data data = model.experiment().data();
  const std::filesystem::path path = std::filesystem::absolute(input);
  data.set_root(path.parent_path().string());
  data.clear_train_files();
  data.clear_valid_files();
  data.clear_test_files();
  data.add_test_files(escaped(path.filename().string()));
  data.set_lanes(1);  // keeps the order of the file
  return data;
}

// Keeps only the features: the file may lack columns that only training needs, such as labels.
config::Data features_of(config::Data data) {
  data.clear_label();
  data.clear_group();
  data.clear_scenario_column();
  data.clear_only_scenarios();
  data.clear_time_column();
  return data;
}

// Columns of the output beside scores: scenario and groups if the file has them, and the columns `more`.
std::vector<core::CarriedColumn> carried_of(config::Data data, const std::vector<std::string>& more) {
  std::vector<std::string> columns;
  if (!data.scenario_column().empty()) columns.push_back(data.scenario_column());
  for (const auto& group : data.group()) columns.push_back(core::column_of(group, group.name()));
  const std::vector<std::string> absent = absent_columns(data, core::Split::kTest, columns);
  const auto is_absent = [&](const std::string& column) { return std::ranges::find(absent, column) != absent.end(); };
  data.clear_label();
  if (is_absent(data.scenario_column())) data.clear_scenario_column();
  auto& groups = *data.mutable_group();
  groups.erase(std::remove_if(groups.begin(), groups.end(),
                              [&](const auto& group) { return is_absent(core::column_of(group, group.name())); }),
               groups.end());
  return core::prediction_columns(data, more);
}

void print_times(std::ostream& out, std::vector<double> seconds, int64_t rows) {
  double sum = 0;
  for (const double s : seconds) sum += s;
  std::ranges::sort(seconds);
  const auto share = [&](double p) {
    return 1e3 * seconds[static_cast<size_t>(p * static_cast<double>(seconds.size() - 1))];
  };
  out << std::fixed << std::setprecision(0) << "scored " << static_cast<double>(rows) / std::max(sum, 1e-9)
      << " rows/s; per batch median " << std::setprecision(2) << share(0.5) << " ms, p99 " << share(0.99)
      << " ms, longest " << share(1) << " ms\n";
}

void run(const ScoreArguments& arguments) {
  require_alone(launched_job([](const char* variable) { return std::getenv(variable); }), "score");
  check_input(arguments.input);
  if (!arguments.output.empty())
    core::require_output_file("--output", arguments.output, {.files = {arguments.input}, .folders = {}});
  const core::ServedModel model(arguments.model);
  if (arguments.verify) model.verify();
  const config::Data data = data_of(model, arguments.input);
  const auto carried =
      arguments.output.empty() ? std::vector<core::CarriedColumn>() : carried_of(data, arguments.carry);
  const auto source = core::make_parquet_source(features_of(data), {.split = core::Split::kTest,
                                                                    .batch_size = arguments.batch,
                                                                    .shuffle = false,
                                                                    .min_tail_share = 0,
                                                                    .named = "--input " + arguments.input,
                                                                    .carry = carried});
  std::unique_ptr<core::PredictionWriter> writer;
  if (!arguments.output.empty())
    writer = std::make_unique<core::PredictionWriter>(arguments.output, source->carried_schema(),
                                                      std::vector<std::string>());
  set_thread_count(arguments.threads);
  core::Scorer scorer(model);
  std::vector<double> seconds;
  int64_t rows = 0;
  source->start_epoch(0);
  while (std::optional<core::Batch> batch = source->next()) {
    const double start = now_s();
    const std::span<const float> logits = scorer.score(*batch);
    seconds.push_back(now_s() - start);
    rows += batch->rows;
    if (!writer) continue;
    writer->write({.carried = {batch->carried}, .labels = {}, .logits = {logits.begin(), logits.end()}});
  }
  core::require_good_rows(arguments.input, source->counters(), "polyscene data inspect tells why");
  if (writer) writer->finish();
  std::ostream& out = message_stream(arguments.output);
  out << rows << " rows of " << arguments.input << " scored with " << model.folder();
  if (writer) out << ", written to " << arguments.output;
  out << '\n';
  if (const std::string unseen = model.without_hash(); !unseen.empty()) out << unseen << '\n';
  if (!arguments.verify) out << "rows of the tables were not compared with their hashes; --verify does\n";
  core::print_left_out(out, arguments.input, source->counters(), "");
  if (!seconds.empty()) print_times(out, std::move(seconds), rows);
  out << std::flush;
}

}  // namespace

void add_score_command(CLI::App& app) {
  auto arguments = std::make_shared<ScoreArguments>();
  CLI::App* command = app.add_subcommand("score", "Score every row of a Parquet file with an exported model");
  command
      ->add_option("--model", arguments->model,
                   "Folder that `polyscene export` wrote, whose newest version is used, or one version in it")
      ->required()
      ->type_name("DIR");
  command->add_option("--input", arguments->input, "Parquet file with the features' columns")
      ->required()
      ->type_name("FILE");
  CLI::Option* output = command->add_option("--output", arguments->output, "Parquet file to write")->type_name("FILE");
  add_carry_option(*command, arguments->carry)->needs(output);
  command->add_option("--batch", arguments->batch, "Rows per batch")->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--threads", arguments->threads, "Threads that score")
      ->check(CLI::Range(1, kMostThreads))
      ->capture_default_str();
  command->add_flag("--verify", arguments->verify, "Compare every file of the model with its checksum first");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace polyscene::launcher
