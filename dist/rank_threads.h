// Ranks that are threads of this process, whatever carries their bytes: start, failure, end.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "dist/call.h"

namespace polyscene {

// Runs body(*ranks[i]) on a thread of its own for every i, each with its share of the processors, and waits for all. A
// throw aborts the rank's world, and so does a thread that the system does not give (DeviceError). Returns what each
// threw, null for nothing.
[[nodiscard]] std::vector<std::exception_ptr> run_rank_threads(const std::vector<std::unique_ptr<Communicator>>& ranks,
                                                               const std::function<void(Communicator&)>& body);

// After run_rank_threads of ranks first_rank, first_rank + 1, ... of a world: throws the error that was its failure if
// it happened here, else what a rank here threw because of it, else CommunicationError with its reason. Does nothing
// without a failure.
void rethrow_first(const std::optional<Failure>& failure, int first_rank,
                   const std::vector<std::exception_ptr>& errors);

}  // namespace polyscene
