// The only place where errors become exit codes: 0 ok, 2 usage or configuration, 3 data, 4 device, 5 communication,
// 1 anything else.
#include <glog/logging.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "launcher/cli/commands.h"
#include "ops/base/error.h"

int main(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = true;

  CLI::App app{"Polyscene trains recommendation models that serve many scenarios with one model."};
  app.name("polyscene");
  app.require_subcommand(1);
  polyscene::add_train_command(app);
  polyscene::add_evaluate_command(app);
  polyscene::add_predict_command(app);
  polyscene::add_data_command(app);
  polyscene::add_version_command(app);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    if (argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty())
      std::cerr << "polyscene: wanted one of the sub-commands train, evaluate, predict, data, version; got \"" << argv[1] << "\"\n";
    app.exit(e);
    return static_cast<int>(polyscene::ErrorKind::kInvalidArgument);
  } catch (const polyscene::Error& e) {
    std::cerr << "polyscene: " << e.what() << std::endl;
    return static_cast<int>(e.kind());
  } catch (const std::exception& e) {
    std::cerr << "polyscene: " << e.what() << std::endl;
    return static_cast<int>(polyscene::ErrorKind::kOther);
  }
  return 0;
}
