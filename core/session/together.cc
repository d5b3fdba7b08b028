#include "core/session/together.h"

#include <algorithm>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

#include "core/config/advice.h"
#include "dist/place.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

struct RankFailure {
  bool no_space = false;
  int process = 0;
  std::string place, words;
};

// Each field ends with a null character, which no text of an exception holds.
std::string packed(const RankFailure& failure) {
  const std::string end(1, '\0');
  return str(failure.no_space ? 1 : 0, end, failure.process, end, failure.place, end, failure.words, end);
}

std::vector<RankFailure> unpacked(std::span<const char> bytes) {
  std::vector<RankFailure> failures;
  std::istringstream fields(std::string(bytes.begin(), bytes.end()));
  for (std::string no_space, process; std::getline(fields, no_space, '\0');) {
    RankFailure& failure = failures.emplace_back();
    std::getline(fields, process, '\0');
    std::getline(fields, failure.place, '\0');
    std::getline(fields, failure.words, '\0');
    failure.no_space = no_space == "1";
    failure.process = std::stoi(process);
  }
  return failures;
}

// The message of a rank of `process` that did not fail itself. Equal messages appear once.
std::string words_for(int process, const std::vector<RankFailure>& failures) {
  const auto here = std::ranges::find(failures, process, &RankFailure::process);
  if (here != failures.end()) return here->words;
  std::vector<std::string> lines;
  for (const RankFailure& failure : failures) {
    const std::string line = str(failure.words, " (", failure.place, ")");
    if (std::ranges::find(lines, line) == lines.end()) lines.push_back(line);
  }
  std::string all = lines.front();
  for (size_t i = 1; i < lines.size(); ++i) all += "\n" + lines[i];
  return all;
}

}  // namespace

void together(dist::Communicator& communicator, const std::function<void()>& work) {
  std::exception_ptr error;
  RankFailure mine;
  try {
    with_advice(work);  // ranks that did not fail get the text alone
  } catch (const std::exception& thrown) {
    error = std::current_exception();
    mine = {.no_space = dynamic_cast<const NoSpace*>(&thrown) != nullptr,
            .process = communicator.process(),
            .place = started_place(communicator),
            .words = thrown.what()};
  }
  const std::string said = error ? packed(mine) : "";
  const std::vector<RankFailure> failures = unpacked(communicator.all_gather_v<char>(std::span<const char>(said)));
  if (failures.empty()) return;
  const bool no_space = std::ranges::any_of(failures, &RankFailure::no_space);
  if (error && !no_space) std::rethrow_exception(error);
  const std::string words = error ? mine.words : words_for(communicator.process(), failures);
  if (no_space) throw NoSpace(words);
  throw DataError(words);
}

}  // namespace polyscene::core
