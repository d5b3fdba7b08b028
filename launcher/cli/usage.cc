#include "launcher/cli/usage.h"

#include <CLI/CLI.hpp>
#include <vector>

#include "core/text/suggest.h"
#include "ops/base/error.h"

namespace polyscene::launcher {
namespace {

bool is_option(const std::string& word) { return word.starts_with('-'); }

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

// The long names of the options, with their dashes: "--help", "--config".
std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

// The innermost sub-command that was recognised, and its full name.
struct Reached {
  const CLI::App* command;
  std::string name;
};

Reached reached(const CLI::App& app) {
  Reached at{&app, app.get_name()};
  while (!at.command->get_subcommands().empty()) {
    at.command = at.command->get_subcommands().front();
    at.name += " " + at.command->get_name();
  }
  return at;
}

std::string unknown_option(const Reached& at, const std::string& option) {
  const std::string name = option.substr(0, option.find('='));
  return str(at.name, " has no option ", name, core::config_text::suggestion(name, options_of(*at.command)));
}

std::string explain(const Reached& at, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = at.command->remaining();
  const bool wants_command = at.command->get_require_subcommand_min() > 0 && at.command->get_subcommands().empty();
  for (const std::string& word : unknown) {
    if (is_option(word)) return unknown_option(at, word);
    if (wants_command)
      return str(at.name, " has no command \"", word, "\"",
                 core::config_text::suggestion(word, commands_of(*at.command)));
    return str(at.name, " takes no argument \"", word, "\"; options begin with --");
  }
  if (wants_command) return "wanted a command after \"" + at.name + "\"";
  return error.what();
}

}  // namespace

std::string explain_usage(const CLI::App& app, const CLI::ParseError& error) {
  const Reached at = reached(app);
  std::string text = explain(at, error);
  const std::vector<std::string> commands = commands_of(*at.command);
  if (commands.empty()) return text + "\nsee " + at.name + " --help";
  // A list of commands is short, so it is printed in place of a hint to --help.
  std::string help = app.help();
  while (help.ends_with('\n')) help.pop_back();
  return text + "\n\n" + help;
}

}  // namespace polyscene::launcher
