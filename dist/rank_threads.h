// Ranks that are threads of this process, for any transport: start, failure, end.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "dist/call.h"

namespace polyscene::dist {

// Runs body(*ranks[i]) on its own thread for every i, each with its share of the processors, and waits for all. An
// exception aborts the rank's world, and so does a thread that cannot be started (DeviceError). Returns the exceptions
// by rank, null if a rank threw none.
[[nodiscard]] std::vector<std::exception_ptr> run_rank_threads(const std::vector<std::unique_ptr<Communicator>>& ranks,
                                                               const std::function<void(Communicator&)>& body);

// Called after run_rank_threads for ranks first_rank, first_rank + 1, ... of a world. Rethrows the error that caused
// `failure` if it happened here, else what a rank here threw because of it, else CommunicationError with its reason.
// Does nothing without a failure.
void rethrow_first(const std::optional<Failure>& failure, int first_rank,
                   const std::vector<std::exception_ptr>& errors);

}  // namespace polyscene::dist
