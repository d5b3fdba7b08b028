#include "tests/support/emulator/block_run.h"

#include <algorithm>

#include "ops/base/error.h"

namespace polyscene::simt {
namespace {

thread_local BlockRun* the_current = nullptr;

constexpr uint32_t kMany = 64;

bool same_place(const Where& a, const Where& b) {
  return a.line() == b.line() && a.column() == b.column() && std::strcmp(a.file_name(), b.file_name()) == 0;
}

}  // namespace

BlockRun& BlockRun::current() { return *the_current; }

BlockRun::BlockRun(int64_t block, const LaunchShape& shape, MemoryCheck& global, PhiloxStream& random,
                   std::vector<std::unique_ptr<Fiber>>& fibers)
    : block_(block),
      shape_(shape),
      global_(global),
      random_(random),
      fibers_(fibers),
      lanes_(static_cast<size_t>(shape.threads)),
      shared_memory_(static_cast<size_t>(shape.shared_bytes) + 16, std::byte{0xFF}) {
  for (int t = 0; t < shape.threads; ++t) {
    Clock& clock = lanes_[static_cast<size_t>(t)].clock;
    clock.block = block;
    clock.thread = t;
    clock.lanes[static_cast<size_t>(t % kWarpSize)] = 1;
  }
  // Some blocks run each thread until it must wait; others interrupt it at one access in 21, or at one in 3.
  const uint32_t chances[] = {0, 3, kMany / 3};
  yields_in_many_ = chances[random_.next_below(3)];
  while (fibers_.size() < lanes_.size()) fibers_.push_back(std::make_unique<Fiber>());
}

void BlockRun::run(const Body& body) {
  for (int t = 0; t < shape_.threads; ++t)
    fibers_[static_cast<size_t>(t)]->start([&, t] {
      try {
        body(*this, t);
      } catch (const std::exception& e) {
        fault_ = e.what();
      }
      lanes_[static_cast<size_t>(t)].state = State::kDone;
    });
  the_current = this;
  while (const std::optional<int> thread = next_thread()) {
    step(*thread);
    if (fault_) break;
  }
  the_current = nullptr;
  if (fault_) throw Fault(*fault_);
}

void BlockRun::step(int thread) {
  running_ = thread;
  fibers_[static_cast<size_t>(thread)]->resume();
  running_ = -1;
  const Lane& lane = lanes_[static_cast<size_t>(thread)];
  if (fault_ || lane.state == State::kRuns) return;
  try {
    if (lane.state == State::kAtMeeting) release_meeting(thread / kWarpSize, lane);
    release_sync();
  } catch (const Fault& fault) {
    fault_ = fault.what();
  }
}

// Mostly picks a lane of the favourite warp, so that this warp runs as far ahead of the others as possible.
std::optional<int> BlockRun::next_thread() {
  const int warps = shape_.threads / kWarpSize;
  if (random_.next_below(16) == 0) favourite_ = static_cast<int>(random_.next_below(static_cast<uint64_t>(warps)));
  for (int w = 0; w < warps; ++w) {
    const int warp = (favourite_ + w) % warps, first = warp * kWarpSize;
    std::array<int, kWarpSize> ready;
    size_t count = 0;
    for (int t = first; t < first + kWarpSize; ++t)
      if (lanes_[static_cast<size_t>(t)].state == State::kRuns) ready[count++] = t;
    if (count == 0) continue;
    favourite_ = warp;
    return ready[random_.next_below(count)];
  }
  const auto done = [](const Lane& lane) { return lane.state == State::kDone; };
  if (!std::ranges::all_of(lanes_, done)) explain_standstill();
  return {};
}

void BlockRun::wait(State state, const Where& where) {
  Lane& lane = lanes_[static_cast<size_t>(running_)];
  lane.state = state;
  lane.where = where;
  fibers_[static_cast<size_t>(running_)]->leave();
}

void BlockRun::yield_sometimes(uint32_t in_many) {
  if (in_many > 0 && random_.next_below(kMany) < in_many) fibers_[static_cast<size_t>(running_)]->leave();
}

void BlockRun::sync(const Where& where) { wait(State::kAtSync, where); }

uint64_t BlockRun::meet(const WarpMeeting& meeting, const Where& where) {
  const int thread = running_, lane = thread % kWarpSize;
  if ((meeting.mask >> lane & 1) == 0)
    throw Fault(str(status_of(thread), " calls ", meeting.what, " at ", place(where),
                    " with a mask that leaves out its own lane ", lane));
  lanes_[static_cast<size_t>(thread)].meeting = meeting;
  wait(State::kAtMeeting, where);
  return lanes_[static_cast<size_t>(thread)].received;
}

// Lets the lanes of a mask continue once all of them have arrived. False if some are still missing.
bool BlockRun::release_meeting(int warp, const Lane& of) {
  const WarpMeeting meeting = of.meeting;
  const Where where = of.where;
  const auto each = [&](const auto& call) {
    for (int l = 0; l < kWarpSize; ++l)
      if ((meeting.mask >> l & 1) != 0) call(lanes_[static_cast<size_t>(warp * kWarpSize + l)], l);
  };
  bool all = true;
  each([&](const Lane& lane, int) {
    all = all && lane.state == State::kAtMeeting && lane.meeting.same_as(meeting) && same_place(lane.where, where);
  });
  if (!all) return false;
  uint32_t flags = 0;
  std::array<uint32_t, kWarpSize> seen{};
  each([&](const Lane& lane, int l) {
    flags |= static_cast<uint32_t>(lane.meeting.value & 1) << l;
    for (size_t k = 0; k < seen.size(); ++k) seen[k] = std::max(seen[k], lane.clock.lanes[k]);
  });
  each([&](Lane& lane, int l) {
    lane.received = flags;
    if (const int source = lane.meeting.source; source >= 0) {
      if ((meeting.mask >> source & 1) == 0)
        throw Fault(str("lane ", l, " of warp ", warp, " of block ", block_, " wants the value of lane ", source,
                        " at ", place(where), ", which its mask leaves out"));
      lane.received = lanes_[static_cast<size_t>(warp * kWarpSize + source)].meeting.value;
    }
  });
  each([&](Lane& lane, int l) {
    lane.state = State::kRuns;
    if (!meeting.orders_memory) return;
    lane.clock.lanes = seen;
    ++lane.clock.lanes[static_cast<size_t>(l)];
  });
  return true;
}

void BlockRun::release_sync() {
  if (!std::ranges::all_of(lanes_, [](const Lane& lane) { return lane.state == State::kAtSync; })) return;
  for (const Lane& lane : lanes_)
    if (!same_place(lane.where, lanes_[0].where))
      throw Fault(str("threads of block ", block_, " meet at different barriers: thread 0 at ", place(lanes_[0].where),
                      ", thread ", lane.clock.thread, " at ", place(lane.where)));
  for (Lane& lane : lanes_) {
    lane.state = State::kRuns;
    ++lane.clock.meetings;
  }
}

std::string BlockRun::status_of(int thread) const {
  const Lane& lane = lanes_[static_cast<size_t>(thread)];
  const std::string name = str("thread ", thread, " of block ", block_);
  switch (lane.state) {
    case State::kDone:
      return name + " has returned";
    case State::kAtSync:
      return str(name, " waits at the barrier ", place(lane.where));
    case State::kAtMeeting:
      return str(name, " waits in ", lane.meeting.what, " at ", place(lane.where));
    case State::kRuns:
      break;
  }
  return name;
}

// Called when no thread can run: a lane waits for one that will not arrive, or a barrier for a thread that has
// returned.
void BlockRun::explain_standstill() const {
  for (const Lane& lane : lanes_) {
    if (lane.state != State::kAtMeeting) continue;
    for (int l = 0; l < kWarpSize; ++l) {
      const int other = lane.clock.thread / kWarpSize * kWarpSize + l;
      const Lane& o = lanes_[static_cast<size_t>(other)];
      const bool there =
          o.state == State::kAtMeeting && o.meeting.same_as(lane.meeting) && same_place(o.where, lane.where);
      if ((lane.meeting.mask >> l & 1) != 0 && !there)
        throw Fault(str(status_of(lane.clock.thread), " for lane ", l, " of its warp, but ", status_of(other)));
    }
  }
  const auto waits = std::ranges::find(lanes_, State::kAtSync, &Lane::state);
  const auto missing = std::ranges::find(lanes_, State::kDone, &Lane::state);
  throw Fault(str(status_of(waits->clock.thread), ", but ", status_of(missing->clock.thread)));
}

bool BlockRun::is_shared(uintptr_t address) const {
  const auto begin = reinterpret_cast<uintptr_t>(shared_memory_.data());
  return address >= begin && address < begin + shared_memory_.size();
}

void BlockRun::access(uintptr_t address, int64_t bytes, int64_t element_bytes, Access kind, const Where& where) {
  // Yields more often at atomics, since loops that wait for another thread use them.
  yield_sometimes(kind == Access::kAtomic ? std::max(yields_in_many_, kMany / 4) : yields_in_many_);
  MemoryCheck& check = is_shared(address) ? shared_ : global_;
  check.access(address, bytes, element_bytes, kind, lanes_[static_cast<size_t>(running_)].clock, where);
}

void* BlockRun::shared(int64_t offset, int64_t bytes, const Where& where) {
  if (offset + bytes > shape_.shared_bytes)
    throw Fault(str("the block asks at ", place(where), " for bytes ", offset, " to ", offset + bytes,
                    " of shared memory, it was launched with ", shape_.shared_bytes));
  auto* begin = shared_memory_.data();
  const auto off = reinterpret_cast<uintptr_t>(begin) % 16;
  return begin + (off == 0 ? 0 : 16 - off) + offset;
}

}  // namespace polyscene::simt
