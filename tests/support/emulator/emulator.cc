#include "tests/support/emulator/emulator.h"

#include <numeric>

#include "ops/base/error.h"

namespace polyscene::simt {
namespace {

thread_local uint64_t seed_of_thread = 1;

}  // namespace

void set_emulator_seed(uint64_t seed) { seed_of_thread = seed; }

void emulate(const char* kernel, const LaunchShape& shape, const BlockRun::Body& body) {
  thread_local std::vector<std::unique_ptr<Fiber>> fibers;  // kept, with their stacks, for the next launch
  check_launch(kernel, shape);
  PhiloxStream random(
      seed_of_thread);  // of the order of blocks, then of the schedule in each: the seed reproduces both
  MemoryCheck memory(MemoryCheck::Memory::kInitialised);
  std::vector<int64_t> order(static_cast<size_t>(shape.blocks));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.next_below(i)]);
  try {
    for (const int64_t block : order) BlockRun(block, shape, memory, random, fibers).run(body);
  } catch (const Fault& fault) {
    throw Fault(str("kernel ", kernel, ": ", fault.what(), " (seed ", seed_of_thread, ')'));
  }
}

}  // namespace polyscene::simt
