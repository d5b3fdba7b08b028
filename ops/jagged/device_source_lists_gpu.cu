#include "ops/jagged/device_source_lists.h"

namespace polyscene::ops {
namespace {

// begin[v] = the position of the first sorted entry that is at least v.
struct FirstOfEach {
  simt::Global<const int32_t> sorted;
  simt::Global<int32_t> begin;
  int64_t count, rows;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each(t, rows + 1, [&](int64_t v) {
      int64_t low = 0, high = count;
      while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (sorted.load(middle) < v)
          low = middle + 1;
        else
          high = middle;
      }
      begin.store(v, static_cast<int32_t>(low));
    });
  }
};

}  // namespace

DeviceSourceLists invert_index(const KernelContext& c, size_t input, int64_t rows) {
  const int64_t count = c.inputs[input].shape.elements();
  int32_t *sorted = c.scratch.get<int32_t>(count).data(), *order = c.scratch.get<int32_t>(count).data(),
          *begin = c.scratch.get<int32_t>(rows + 1).data();
  sort_sources(c, c.inputs[input].as<const int32_t>(), count, rows, sorted, order);
  simt::launch(c.stream, "invert_index", simt::shape_for(rows + 1),
               FirstOfEach{{sorted, count}, {begin, rows + 1}, count, rows});
  return {{begin, rows + 1}, {order, count}, {sorted, count}, rows, count};
}

}  // namespace polyscene::ops
