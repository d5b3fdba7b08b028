#include <CLI/CLI.hpp>
#include <iostream>

#include "launcher/cli/commands.h"

namespace polyscene {

void add_version_command(CLI::App& app) {
  app.add_subcommand("version", "Print the version")->callback([] {
    std::cout << "polyscene " << POLYSCENE_VERSION << " (" POLYSCENE_DEVICES ")\n";
  });
}

}  // namespace polyscene
