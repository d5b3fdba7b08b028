// What is said about a command line that is refused: the word that is not known, the one it may be a slip of, and where
// to read on.
#pragma once

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace polyscene {

// `app` has parsed the command line as far as it understood it. Several lines, the last without a line break.
[[nodiscard]] std::string explain_usage(const CLI::App& app, const CLI::ParseError& error);

}  // namespace polyscene
