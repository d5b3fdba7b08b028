// What every communicator must do, whatever carries the bytes. A new implementation earns the whole battery by calling
// each case on all its ranks. Cases check with EXPECT_ only, so that a failed check never leaves ranks out of step.
#pragma once

#include <span>
#include <string>

#include "dist/communicator.h"

namespace polyscene::testing {

struct ConformanceCase {
  std::string name;
  void (*run)(Communicator& communicator);
};

[[nodiscard]] std::span<const ConformanceCase> conformance_cases();

void conformance_identity(Communicator& communicator);
void conformance_barrier(Communicator& communicator);
void conformance_all_reduce(Communicator& communicator);
void conformance_all_reduce_special_values(Communicator& communicator);
void conformance_reduce_scatter(Communicator& communicator);
void conformance_all_gather(Communicator& communicator);
void conformance_all_gather_v(Communicator& communicator);
void conformance_broadcast(Communicator& communicator);
void conformance_all_to_all_v(Communicator& communicator);
void conformance_exchange_counts(Communicator& communicator);
void conformance_split(Communicator& communicator);
void conformance_split_nested(Communicator& communicator);
void conformance_concurrent_communicators(Communicator& communicator);
void conformance_argument_errors(Communicator& communicator);
void conformance_random_sequence(Communicator& communicator);
void conformance_gradient_buckets(Communicator& communicator);

}  // namespace polyscene::testing
