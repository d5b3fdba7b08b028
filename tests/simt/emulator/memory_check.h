// Who touched which memory when, and whether two threads may have done so at once: happens-before by vector clocks, so
// that a missing barrier is found whatever the schedule was.
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

// What a kernel does wrong. The message says what, where (file:line), which threads, and the seed of the schedule.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Where = std::source_location;
[[nodiscard]] std::string place(const Where& where);  // "ops/jagged/dap_gpu.cu:17"

// How far a thread knows the others: meetings of the block so far, and per lane of its warp the last of that lane's
// stretches between meetings that it has seen the end of; its own: the one it is in.
struct Clock {
  int64_t block = 0;
  int thread = 0;
  uint32_t meetings = 0;
  std::array<uint32_t, kWarpSize> lanes{};
};

enum class Access : uint8_t { kRead, kWrite, kAtomic };

class MemoryCheck {
 public:
  // `fresh`: memory that holds nothing until it is written.
  explicit MemoryCheck(bool fresh) : fresh_(fresh) {}
  // One access of thread `now` to `bytes` bytes from `address`, in elements of element_bytes. Throws Fault.
  void access(uintptr_t address, int64_t bytes, int64_t element_bytes, Access kind, const Clock& now,
              const Where& where);

 private:
  struct Entry {
    int64_t block = -1;  // -1: none
    int thread = 0;
    uint32_t meetings = 0, stretch = 0;
    Where where;
  };
  // The last write, and since then those readers and atomic updaters that no later one has seen the end of.
  struct Cell {
    Entry write;
    std::vector<Entry> reads, updates;
  };
  static void add(std::vector<Entry>& entries, const Entry& entry, const Clock& now);
  static bool ordered(const Entry& before, const Clock& now);
  static void check(const Entry& before, const char* what, Access kind, const Clock& now, const Where& where);

  bool fresh_;
  std::unordered_map<uintptr_t, Cell> cells_;
};

}  // namespace polyscene::simt
