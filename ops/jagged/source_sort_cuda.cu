#include <bit>
#include <cub/device/device_radix_sort.cuh>

#include "ops/jagged/device_source_lists.h"

namespace polyscene::ops {
namespace {

// Keys of the sort: the index entries plus one, so that -1 comes first; values: the positions.
struct KeysAndPositions {
  simt::Global<const int32_t> index;
  simt::Global<int32_t> keys, positions;
  int64_t count;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each(t, count, [&](int64_t i) {
      keys.store(i, index.load(i) + 1);
      positions.store(i, static_cast<int32_t>(i));
    });
  }
};

struct MinusOne {
  simt::Global<int32_t> keys;
  int64_t count;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each(t, count, [&](int64_t i) { keys.store(i, keys.load(i) - 1); });
  }
};

}  // namespace

void sort_sources(const KernelContext& c, const int32_t* index, int64_t count, int64_t rows, int32_t* sorted,
                  int32_t* order) {
  if (count == 0) return;
  int32_t *keys = c.scratch.get<int32_t>(count).data(), *positions = c.scratch.get<int32_t>(count).data();
  const simt::LaunchShape shape = simt::shape_for(count);
  simt::launch(c.stream, "sort_sources", shape,
               KeysAndPositions{{index, count}, {keys, count}, {positions, count}, count});
  const int bits = std::bit_width(static_cast<uint64_t>(rows));  // bits of the largest key
  const auto sort = [&](void* temporary, size_t& bytes) {
    simt::check_cuda(cub::DeviceRadixSort::SortPairs(temporary, bytes, keys, sorted, positions, order, count, 0, bits,
                                                     static_cast<cudaStream_t>(c.stream.handle)),
                     "sort_sources", shape);
  };
  size_t bytes = 0;
  sort(nullptr, bytes);
  sort(c.scratch.get<std::byte>(static_cast<int64_t>(bytes)).data(), bytes);
  simt::launch(c.stream, "sort_sources", shape, MinusOne{{sorted, count}, count});
}

}  // namespace polyscene::ops
