// Stand-in for a device's sorting library, on the CPU.
#include <algorithm>
#include <numeric>

#include "ops/jagged/device_source_lists.h"
#include "tests/support/emulator/recording.h"

namespace polyscene::ops {

void sort_sources(const KernelContext& /*context*/, const int32_t* index, int64_t count, int64_t /*rows*/,
                  int32_t* sorted, int32_t* order) {
  simt::do_or_record([=] {
    std::iota(order, order + count, 0);
    std::stable_sort(order, order + count, [=](int32_t a, int32_t b) { return index[a] < index[b]; });
    std::transform(order, order + count, sorted, [=](int32_t i) { return index[i]; });
  });
}

}  // namespace polyscene::ops
