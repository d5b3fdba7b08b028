#include "tests/dist/conformance/suite.h"

namespace polyscene::testing {

std::span<const ConformanceCase> conformance_cases() {
  static const ConformanceCase cases[] = {
      {"identity", conformance_identity},
      {"barrier", conformance_barrier},
      {"all_reduce", conformance_all_reduce},
      {"all_reduce_special_values", conformance_all_reduce_special_values},
      {"reduce_scatter", conformance_reduce_scatter},
      {"all_gather", conformance_all_gather},
      {"all_gather_v", conformance_all_gather_v},
      {"broadcast", conformance_broadcast},
      {"all_to_all_v", conformance_all_to_all_v},
      {"exchange_counts", conformance_exchange_counts},
      {"split", conformance_split},
      {"split_nested", conformance_split_nested},
      {"concurrent_communicators", conformance_concurrent_communicators},
      {"argument_errors", conformance_argument_errors},
      {"random_sequence", conformance_random_sequence},
      {"gradient_buckets", conformance_gradient_buckets},
  };
  return cases;
}

}  // namespace polyscene::testing
