#include "dist/world.h"
#include "tests/dist/failure/scenario.h"

namespace polyscene::testing {
namespace {

// Exit code that the launcher would give to what the run threw.
int code_of(const std::function<void()>& run) {
  try {
    run();
    return 0;
  } catch (const Error& error) {
    return static_cast<int>(error.kind());
  } catch (...) {
    return 1;
  }
}

}  // namespace

Outcome run_on_local_ranks(const Scenario& scenario, const Wrap& wrap) {
  Outcome outcome{.errors = std::vector<std::string>(static_cast<size_t>(scenario.ranks))};
  const auto body = [&](dist::Communicator& communicator) {
    try {
      wrap(communicator, scenario.body);
    } catch (const std::exception& error) {
      outcome.errors[static_cast<size_t>(communicator.rank())] = error.what();
      throw;
    }
  };
  const auto start = std::chrono::steady_clock::now();
  outcome.exit_code = code_of([&] { dist::run_local_ranks(scenario.ranks, body, {.deadline = kDeadline}); });
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

Outcome run_on_local_ranks(const Scenario& scenario) {
  return run_on_local_ranks(scenario, [](dist::Communicator& communicator, const auto& body) { body(communicator); });
}

}  // namespace polyscene::testing
