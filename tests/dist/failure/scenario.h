// How a job of several ranks must end when something goes wrong. A scenario is what its ranks do and what they must
// have said afterwards; the local and the mpi test run the same ones.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "dist/communicator.h"

namespace polyscene::testing {

// Of every wait in a scenario, and how late a late rank is at most.
inline constexpr std::chrono::milliseconds kDeadline(1000), kLate(10000);

struct Outcome {
  std::vector<std::string> errors;  // [ranks] what each rank threw, empty if nothing
  int exit_code = 0;                // that of the job, or of the error that the run rethrew
  double seconds = 0;               // from start to end
};

struct Scenario {
  std::string name;
  int ranks;
  std::function<void(dist::Communicator&)> body;
  std::function<void(const Outcome&)> check;
};

// Every scenario that makes sense for any communicator.
[[nodiscard]] const std::vector<Scenario>& scenarios();
// The one of that name; throws InvalidArgument.
[[nodiscard]] const Scenario& scenario(const std::string& name);

// Runs the scenario on threads as ranks. `wrap` calls the body, once on each rank, with a communicator made of the one
// it is given.
using Wrap = std::function<void(dist::Communicator&, const std::function<void(dist::Communicator&)>& body)>;
[[nodiscard]] Outcome run_on_local_ranks(const Scenario& scenario, const Wrap& wrap);
[[nodiscard]] Outcome run_on_local_ranks(const Scenario& scenario);

// One call of every collective, by name: "barrier", "all_reduce", ...
struct NamedCall {
  std::string name;
  void (*call)(dist::Communicator&);
};
[[nodiscard]] const std::vector<NamedCall>& all_calls();

}  // namespace polyscene::testing
