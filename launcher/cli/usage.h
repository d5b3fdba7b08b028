// The message for a command line that is refused: the unknown word, the word that was probably meant, and where to read
// more.
#pragma once

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace polyscene::launcher {

// `app` has parsed the command line as far as possible. Returns several lines, the last without a line break.
[[nodiscard]] std::string explain_usage(const CLI::App& app, const CLI::ParseError& error);

}  // namespace polyscene::launcher
