// One block of a launch: its threads as fibers, the points at which they wait, and the choice of the next to run.
#pragma once

#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ops/base/philox.h"
#include "tests/support/emulator/fiber.h"
#include "tests/support/emulator/memory_check.h"

namespace polyscene::simt {

// A thread's part in a meeting of lanes (a warp operation): the value that it offers (at most 8 bytes), and the lane
// whose value it wants.
struct WarpMeeting {
  const char* what;  // "sync_warp", "shuffle", "ballot"
  uint32_t mask;
  uint64_t value;
  int source;                  // -1 for none
  bool orders_memory = false;  // false for exchanges of values: they do not make earlier stores visible to other lanes
  [[nodiscard]] bool same_as(const WarpMeeting& other) const {
    return mask == other.mask && std::strcmp(what, other.what) == 0;
  }
};

class BlockRun {
 public:
  using Body = std::function<void(BlockRun&, int thread)>;

  BlockRun(int64_t block, const LaunchShape& shape, MemoryCheck& global, PhiloxStream& random,
           std::vector<std::unique_ptr<Fiber>>& fibers);
  // Runs `body` for every thread of the block. Throws Fault.
  void run(const Body& body);

  [[nodiscard]] int64_t block() const { return block_; }

  // The operations of Thread and Memory, called from within a fiber.
  static BlockRun& current();
  void sync(const Where& where);
  uint64_t meet(const WarpMeeting& meeting, const Where& where);
  void access(uintptr_t address, int64_t bytes, int64_t element_bytes, Access kind, const Where& where);
  // `bytes` of shared memory from `offset`, the same for all threads.
  [[nodiscard]] void* shared(int64_t offset, int64_t bytes, const Where& where);

 private:
  enum class State : uint8_t { kRuns, kAtSync, kAtMeeting, kDone };
  struct Lane {
    State state = State::kRuns;
    Clock clock;
    Where where;  // where the thread waits
    WarpMeeting meeting{};
    uint64_t received = 0;
  };
  [[nodiscard]] std::optional<int> next_thread();
  void step(int thread);
  void wait(State state, const Where& where);
  void yield_sometimes(uint32_t in_many);
  bool release_meeting(int warp, const Lane& of);
  void release_sync();
  [[noreturn]] void explain_standstill() const;
  [[nodiscard]] std::string status_of(int thread) const;
  [[nodiscard]] bool is_shared(uintptr_t address) const;

  int64_t block_;
  LaunchShape shape_;
  MemoryCheck &global_, shared_{MemoryCheck::Memory::kUninitialised};
  PhiloxStream& random_;
  std::vector<std::unique_ptr<Fiber>>& fibers_;
  std::vector<Lane> lanes_;
  std::vector<std::byte> shared_memory_;
  std::optional<std::string> fault_;
  int running_ = -1, favourite_ = 0;
  uint32_t yields_in_many_;
};

}  // namespace polyscene::simt
