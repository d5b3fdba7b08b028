// What every communicator must do, whatever carries the bytes. A new implementation earns the whole battery by calling
// each case on all its ranks. Cases check with EXPECT_ only, so that a failed check never leaves ranks out of step.
#pragma once

#include <span>
#include <string>

#include "dist/communicator.h"

namespace polyscene::testing {

struct ConformanceCase {
  std::string name;
  void (*run)(dist::Communicator& communicator);
};

[[nodiscard]] std::span<const ConformanceCase> conformance_cases();

void conformance_identity(dist::Communicator& communicator);
void conformance_barrier(dist::Communicator& communicator);
void conformance_all_reduce(dist::Communicator& communicator);
void conformance_all_reduce_special_values(dist::Communicator& communicator);
void conformance_reduce_scatter(dist::Communicator& communicator);
void conformance_all_gather(dist::Communicator& communicator);
void conformance_all_gather_v(dist::Communicator& communicator);
void conformance_broadcast(dist::Communicator& communicator);
void conformance_all_to_all_v(dist::Communicator& communicator);
void conformance_exchange_counts(dist::Communicator& communicator);
void conformance_split(dist::Communicator& communicator);
void conformance_split_nested(dist::Communicator& communicator);
void conformance_concurrent_communicators(dist::Communicator& communicator);
void conformance_argument_errors(dist::Communicator& communicator);
void conformance_random_sequence(dist::Communicator& communicator);
void conformance_gradient_buckets(dist::Communicator& communicator);

}  // namespace polyscene::testing
