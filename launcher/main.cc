// The only place where errors become exit codes: 0 ok, 2 usage or configuration, 3 data, 4 device, 5 communication,
// 1 anything else.
#include <glog/logging.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "launcher/cli/commands.h"
#include "launcher/job/own_words.h"
#include "launcher/job/stop_signal.h"
#include "ops/base/error.h"
#include "ops/base/thread.h"

namespace polyscene {
namespace {

// In one piece: under mpirun several ranks speak at once.
void say(const std::string& error) { std::cerr << "polyscene: " + error + "\n" << std::flush; }

void end_without_threads() {
  if (!loops_want_threads()) return;
  say("[ops.thread] other processes took the threads that were left for this one; try fewer --threads or ranks, or raise "
      "ulimit -u or the group's pids.max");
  std::cout << std::flush;
  std::_Exit(static_cast<int>(ErrorKind::kDevice));
}

int run(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = true;

  CLI::App app{"Polyscene trains recommendation models that serve many scenarios with one model."};
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

  for (CLI::App* command : app.get_subcommands({}))
    if (command->get_name() != "train") command->preparse_callback([](size_t) { release_stop_signals(); });

  try {
    in_own_words([&] { app.parse(argc, argv); });
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    if (argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty())
      say(str(
          "wanted one of the sub-commands train, evaluate, predict, checkpoint, export, score, data, version; got \"",
          argv[1], "\""));
    app.exit(e);
    return static_cast<int>(ErrorKind::kInvalidArgument);
  } catch (const Error& e) {
    say(e.what());
    return static_cast<int>(e.kind());
  } catch (const std::exception& e) {
    say(str("an error that the program did not expect: ", e.what(), "; please report it together with the command"));
    return static_cast<int>(ErrorKind::kOther);
  }
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) {
  polyscene::hold_stop_signals();
  std::signal(SIGXFSZ, SIG_IGN);                 // a file that may not grow: its writer says so
  std::atexit(polyscene::end_without_threads);  // before others, and so the last to be called
  return polyscene::run(argc, argv);
}
