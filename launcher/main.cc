// The only place where errors become exit codes: 0 ok, 2 usage or configuration, 3 data, 4 device, 5 communication,
// 1 anything else.
#include <glog/logging.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "dist/world.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/usage.h"
#include "launcher/job/environment.h"
#include "launcher/job/standard_output.h"
#include "launcher/job/stop_signal.h"
#include "launcher/job/translate_errors.h"
#include "ops/base/error.h"
#include "ops/base/thread.h"

namespace polyscene::launcher {
namespace {

// Prints an error in one piece, since several ranks may print at once under mpirun.
void say(const std::string& error) { std::cerr << "polyscene: " + error + "\n" << std::flush; }

void end_without_threads() {
  if (!loops_want_threads()) return;
  say("[ops.thread] other processes took the threads that were left for this one; try fewer --threads or ranks, or "
      "raise "
      "ulimit -u or the group's pids.max");
  std::cout << std::flush;
  std::_Exit(static_cast<int>(ErrorKind::kDevice));
}

// Whether the chosen command runs on all ranks of an mpirun job. Also true if no command was recognised.
bool is_for_ranks(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() || chosen.front()->get_option_no_throw("--deadline") != nullptr;
}

// Prints an error that all ranks have in common on rank 0 only. An error of one rank names that rank and its host.
void say_once(const CLI::App& app, const std::string& error) {
  const int rank = is_for_ranks(app) ? dist::reporting_rank(error) : 0;
  if (rank == dist::kSilent) return;
  say(rank == 0 ? error : str(error, " (rank ", rank, " on ", host_name(), ")"));
}

// Narrows the first column of help texts that list commands, whose names are shorter than options.
void list_closely(CLI::App& app) {
  const auto commands = app.get_subcommands([](CLI::App*) { return true; });
  if (commands.empty()) return;
  app.formatter(std::make_shared<CLI::Formatter>());
  app.get_formatter()->column_width(14);
  for (CLI::App* command : commands) list_closely(*command);
}

void add_commands(CLI::App& app) {
  app.name("polyscene");
  app.require_subcommand(1);
  add_train_command(app);
  add_evaluate_command(app);
  add_predict_command(app);
  add_checkpoint_command(app);
  add_export_command(app);
  add_score_command(app);
  add_data_command(app);
  add_version_command(app);
  list_closely(app);
  for (CLI::App* command : app.get_subcommands({}))
    if (command->get_name() != "train") command->preparse_callback([](size_t) { release_stop_signals(); });
}

int run(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = true;
  FLAGS_log_prefix = false;  // warn() prints the program's own prefix

  CLI::App app{"Polyscene trains recommendation models that serve many scenarios with one model."};
  StandardOutput output;
  try {
    add_commands(app);
    try {
      translate_errors([&] { app.parse(argc, argv); });
    } catch (const CLI::Success& asked) {  // the user asked for help or the version
      app.exit(asked);
    }
    output.finish();
  } catch (const CLI::ParseError& e) {
    say_once(app, explain_usage(app, e));
    return static_cast<int>(ErrorKind::kInvalidArgument);
  } catch (const Error& e) {
    say_once(app, e.what());
    return static_cast<int>(e.kind());
  } catch (const std::exception& e) {
    say_once(app, str("unexpected error: ", e.what(), "; please report it together with the command"));
    return static_cast<int>(ErrorKind::kOther);
  }
  return 0;
}

}  // namespace
}  // namespace polyscene::launcher

int main(int argc, char** argv) {
  polyscene::launcher::hold_stop_signals();
  std::signal(SIGXFSZ, SIG_IGN);                          // the writer of a file that may not grow reports it
  std::atexit(polyscene::launcher::end_without_threads);  // registered first, so called last
  return polyscene::launcher::run(argc, argv);
}
