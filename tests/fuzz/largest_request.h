// Counts what a program asks for: linked into it, operator new and aligned_alloc are replaced.
#pragma once

#include <cstddef>

namespace polyscene::testing {

// Bytes of the largest request since the last call, of all threads.
[[nodiscard]] size_t take_largest_request();

}  // namespace polyscene::testing
