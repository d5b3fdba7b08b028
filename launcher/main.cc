// The only place where errors become exit codes: 0 ok, 2 usage or configuration, 3 data, 4 device, 5 communication,
// 1 anything else.
#include <glog/logging.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "launcher/cli/commands.h"
#include "launcher/job/own_words.h"
#include "ops/base/error.h"

namespace polyscene {
namespace {

// In one piece: under mpirun several ranks speak at once.
void say(const std::string& error) { std::cerr << "polyscene: " + error + "\n" << std::flush; }

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

int main(int argc, char** argv) { return polyscene::run(argc, argv); }
