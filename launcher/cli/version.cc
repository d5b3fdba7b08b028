#include <CLI/CLI.hpp>
#include <iostream>

#include "launcher/cli/commands.h"

namespace polyscene::launcher {

void add_version_command(CLI::App& app) {
  static constexpr const char* kVersion = "polyscene " POLYSCENE_VERSION " (" POLYSCENE_DEVICES ")";
  app.add_subcommand("version", "Print the version")->callback([] { std::cout << kVersion << '\n'; });
  app.set_version_flag("--version", kVersion, "Print the version");
}

}  // namespace polyscene::launcher
