// Finds data races: records which thread accessed which memory, and decides by vector clocks (happens-before) whether
// two accesses may be concurrent. A missing barrier is found under any schedule.
#pragma once

#include <array>
#include <cstdint>
#include <source_location>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "ops/simt/launch_shape.h"

namespace polyscene::simt {

// An error of a kernel. The message tells what happened, where (file:line), in which threads, and the schedule's seed.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Where = std::source_location;
[[nodiscard]] std::string place(const Where& where);  // "ops/jagged/dap_gpu.cu:17"

// A thread's knowledge of the others: the number of block barriers so far (meetings), and for each lane of its warp the
// last interval between that lane's warp operations whose end it has seen; for its own lane, the current interval.
struct Clock {
  int64_t block = 0;
  int thread = 0;
  uint32_t meetings = 0;
  std::array<uint32_t, kWarpSize> lanes{};
};

enum class Access : uint8_t { kRead, kWrite, kAtomic };

class MemoryCheck {
 public:
  enum class Memory : uint8_t { kInitialised, kUninitialised };  // what it is before the first write
  explicit MemoryCheck(Memory memory) : memory_(memory) {}
  // Checks one access of thread `now` to `bytes` bytes at `address`, in elements of element_bytes. Throws Fault.
  void access(uintptr_t address, int64_t bytes, int64_t element_bytes, Access kind, const Clock& now,
              const Where& where);

 private:
  struct Entry {
    int64_t block = -1;  // -1: none
    int thread = 0;
    uint32_t meetings = 0, stretch = 0;
    Where where;
  };
  // The last write, and the reads and atomic updates since then that no later one of them is ordered after.
  struct Cell {
    Entry write;
    std::vector<Entry> reads, updates;
  };
  static void add(std::vector<Entry>& entries, const Entry& entry, const Clock& now);
  static bool ordered(const Entry& before, const Clock& now);
  static void check(const Entry& before, const char* what, Access kind, const Clock& now, const Where& where);

  Memory memory_;
  std::unordered_map<uintptr_t, Cell> cells_;
};

}  // namespace polyscene::simt
