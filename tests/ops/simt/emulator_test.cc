// Tests of the emulator: correct kernels give correct numbers under every schedule, and each kind of mistake is found,
// with its place in the code.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "ops/simt/simt.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

using namespace simt;  // NOLINT: the vocabulary under test

constexpr int kSchedules = 8;

template <class T>
Global<T> global(std::vector<T>& v) {
  return {v.data(), static_cast<int64_t>(v.size())};
}
template <class T>
Global<const T> global(const std::vector<T>& v) {
  return {v.data(), static_cast<int64_t>(v.size())};
}

// The fault of a kernel. It must be found under each of a few seeds.
template <class Kernel>
std::string fault_of(const LaunchShape& shape, const Kernel& kernel) {
  std::string message;
  for (int seed = 1; seed <= kSchedules; ++seed) {
    set_emulator_seed(static_cast<uint64_t>(seed));
    message = message_of<Fault>([&] { launch({}, "planted", shape, kernel); });
    EXPECT_EQ(message.rfind("kernel planted: ", 0), 0u) << message;
    EXPECT_NE(message.find(str("(seed ", seed, ")")), message.npos) << message;
  }
  return message;
}

bool contains(const std::string& message, const std::string& part) { return message.find(part) != message.npos; }

struct Scale {
  Global<const float> x;
  Global<float> y;
  int64_t count;
  float factor;
  void operator()(Thread& t) const {
    for_each(t, count, [&](int64_t i) { y.store(i, factor * x.load(i)); });
  }
};

TEST(Simt, EveryItemIsVisitedOnce) {
  for (const int64_t count : {0, 1, 31, 33, 1025}) {
    std::vector<float> x(static_cast<size_t>(count)), y(x.size(), NAN);
    std::iota(x.begin(), x.end(), 1.0f);
    launch({}, "scale", shape_for(count), Scale{global(std::as_const(x)), global(y), count, 2});
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(y[i], 2 * x[i]) << i;
  }
}

// One sum per block, through shared memory and shuffles.
struct BlockSums {
  Global<const int> x;
  Global<int> sums;
  void operator()(Thread& t) const {
    const Shared<int> room = t.shared<int>(t.warps());
    const int sum = block_sum(t, x.load(t.block() * t.threads() + t.thread()), room);
    if (t.thread() == 0) sums.store(t.block(), sum);
  }
};

TEST(Simt, ReductionsAgreeWithPlainSumsUnderEverySchedule) {
  std::vector<int> x(3 * 96);
  std::iota(x.begin(), x.end(), -5);
  for (int seed = 1; seed <= kSchedules; ++seed) {
    set_emulator_seed(static_cast<uint64_t>(seed));
    std::vector<int> sums(3, -1);
    launch({}, "block sums", {3, 96, 64}, BlockSums{global(std::as_const(x)), global(sums)});
    for (int b = 0; b < 3; ++b)
      EXPECT_EQ(sums[static_cast<size_t>(b)], std::accumulate(x.begin() + b * 96, x.begin() + (b + 1) * 96, 0));
  }
}

struct Lanes {
  Global<int> y;
  void operator()(Thread& t) const {
    const int lane = t.lane();
    const uint32_t odd = t.ballot(lane % 2 == 1, kAllLanes);
    int v = t.shuffle(lane, 7, kAllLanes) + 100 * t.shuffle_down(lane, 3, kAllLanes);
    if (lane % 2 == 1) v += 10000 * t.shuffle_xor(lane, 2, odd);
    y.store(lane, v);
  }
};

TEST(Simt, LanesExchangeValues) {
  std::vector<int> y(32);
  launch({}, "lanes", {1, 32}, Lanes{global(y)});
  for (int l = 0; l < 32; ++l)
    EXPECT_EQ(y[static_cast<size_t>(l)], 7 + 100 * (l + 3 < 32 ? l + 3 : l) + (l % 2 == 1 ? 10000 * (l ^ 2) : 0)) << l;
}

struct CountAtomically {
  Global<int> counts;  // sum, maximum, last, lock
  void operator()(Thread& t) const {
    counts.atomic_add(0, 2);
    counts.atomic_max(1, t.thread());
    if (t.thread() == 5) counts.atomic_exchange(2, 50);
    while (counts.atomic_compare_exchange(3, 0, 1) != 0) {
    }
    counts.atomic_exchange(3, 0);
  }
};

TEST(Simt, AtomicsOfAllBlocksCount) {
  std::vector<int> counts(4);
  launch({}, "count", {4, 64}, CountAtomically{global(counts)});
  EXPECT_EQ(counts, (std::vector<int>{512, 63, 50, 0}));
}

struct Packs {
  Global<const float> x;
  Global<float> y;
  void operator()(Thread& t) const {
    auto pack = x.load_pack<4>(4 * t.thread());
    for (int k = 0; k < 4; ++k) pack[k] += 1;
    y.store_pack<4>(4 * t.thread(), pack);
  }
};

TEST(Simt, PacksMoveSixteenBytes) {
  alignas(16) float x[128], y[128] = {};
  std::iota(x, x + 128, 0.0f);
  launch({}, "packs", {1, 32}, Packs{{x, 128}, {y, 128}});
  for (int i = 0; i < 128; ++i) EXPECT_EQ(y[i], x[i] + 1);
}

// ------------------------------------------------------------------------------------------------- planted mistakes

struct MissingBarrier {
  Global<int> y;
  void operator()(Thread& t) const {
    const Shared<int> s = t.shared<int>(t.threads());
    s.store(t.thread(), t.thread());
    y.store(t.thread(), s.load(t.threads() - 1 - t.thread()));
  }
};

TEST(PlantedMistake, MissingBarrier) {
  std::vector<int> y(64);
  const std::string m = fault_of({1, 64, 256}, MissingBarrier{global(y)});
  EXPECT_TRUE(contains(m, "with no meeting of the two in between") || contains(m, "that nothing was written to")) << m;
  EXPECT_TRUE(contains(m, "tests/ops/simt/emulator_test.cc:")) << m;
}

// The second write may come before a slow thread has read the first. A schedule that keeps threads in step does not
// show it.
struct MissingSecondBarrier {
  Global<int> y;
  void operator()(Thread& t) const {
    const Shared<int> s = t.shared<int>(1);
    if (t.thread() == 0) s.store(0, 1);
    t.sync();
    y.store(t.thread(), s.load(0));
    if (t.thread() == 0) s.store(0, 2);
  }
};

TEST(PlantedMistake, MissingSecondBarrier) {
  std::vector<int> y(64);
  EXPECT_TRUE(
      contains(fault_of({1, 64, 16}, MissingSecondBarrier{global(y)}), "with no meeting of the two in between"));
}

// The lanes of a warp need a barrier too.
struct MissingWarpSync {
  Global<int> y;
  bool mended;
  void operator()(Thread& t) const {
    const Shared<int> s = t.shared<int>(32);
    s.store(t.lane(), t.lane());
    if (mended) t.sync_warp(kAllLanes);
    y.store(t.lane(), s.load(31 - t.lane()));
  }
};

TEST(PlantedMistake, MissingWarpSync) {
  std::vector<int> y(32);
  (void)fault_of({1, 32, 128}, MissingWarpSync{global(y), false});
  launch({}, "mended", {1, 32, 128}, MissingWarpSync{global(y), true});
  for (int l = 0; l < 32; ++l) EXPECT_EQ(y[static_cast<size_t>(l)], 31 - l);
}

// An exchange of values is a meeting of lanes, but it does not order memory.
struct ShuffleForAFence {
  Global<int> y;
  void operator()(Thread& t) const {
    const Shared<int> s = t.shared<int>(32);
    s.store(t.lane(), t.lane());
    (void)t.shuffle(0, 0, kAllLanes);
    y.store(t.lane(), s.load(31 - t.lane()));
  }
};

TEST(PlantedMistake, AShuffleIsNoFence) {
  std::vector<int> y(32);
  EXPECT_TRUE(contains(fault_of({1, 32, 128}, ShuffleForAFence{global(y)}), "with no meeting of the two in between"));
}

// Every lane has read the value that lane 0 then overwrites, but only some of them have met lane 0 since.
struct ReaderLeftOut {
  void operator()(Thread& t) const {
    const Shared<int> s = t.shared<int>(1);
    if (t.thread() == 0) s.store(0, 1);
    t.sync();
    (void)s.load(0);
    if (t.warp() == 0) {
      t.sync_warp(kAllLanes);
      if (t.lane() == 0) s.store(0, 2);
    }
  }
};

TEST(PlantedMistake, OneOfManyReadersIsForgotten) {
  EXPECT_TRUE(contains(fault_of({1, 64, 16}, ReaderLeftOut{}), "with no meeting of the two in between"));
}

struct TwoMeetingsOnOneLine {
  void operator()(Thread& t) const {
    // clang-format off
    if (t.lane() < 16) t.sync_warp(kAllLanes); else (void)t.ballot(true, kAllLanes);
    // clang-format on
  }
};

TEST(PlantedMistake, DifferentMeetingsOnOneLine) {
  EXPECT_TRUE(contains(fault_of({1, 32}, TwoMeetingsOnOneLine{}), " waits in "));
}

struct EarlyReturn {
  void operator()(Thread& t) const {
    if (t.thread() == 5) return;
    t.sync();
  }
};

TEST(PlantedMistake, EarlyReturnBeforeABarrier) {
  const std::string m = fault_of({1, 64}, EarlyReturn{});
  EXPECT_TRUE(contains(m, "waits at the barrier tests/ops/simt/emulator_test.cc:")) << m;
  EXPECT_TRUE(contains(m, ", but thread 5 of block 0 has returned")) << m;
}

struct DivergentBarrier {
  void operator()(Thread& t) const {
    if (t.warp() == 0)
      t.sync();
    else
      t.sync();
  }
};

TEST(PlantedMistake, DivergentBarrier) {
  const std::string m = fault_of({1, 64}, DivergentBarrier{});
  EXPECT_TRUE(contains(m, "meet at different barriers: thread 0 at tests/ops/simt/emulator_test.cc:")) << m;
}

struct OffByOne {
  Global<float> y;
  void operator()(Thread& t) const { y.store(t.thread() + 1, 0); }
};

TEST(PlantedMistake, OffByOneWrite) {
  std::vector<float> y(64);
  const std::string m = fault_of({1, 64}, OffByOne{global(y)});
  EXPECT_TRUE(contains(m, "access at tests/ops/simt/emulator_test.cc:")) << m;
  EXPECT_TRUE(contains(m, "to element 64 of 64")) << m;
}

struct Uninitialised {
  Global<float> y;
  void operator()(Thread& t) const {
    const Shared<float> s = t.shared<float>(32);
    if (t.thread() < 31) s.store(t.thread(), 1);
    t.sync();
    y.store(t.thread(), s.load(t.thread()));
  }
};

TEST(PlantedMistake, UninitialisedRead) {
  std::vector<float> y(32);
  EXPECT_TRUE(contains(fault_of({1, 32, 128}, Uninitialised{global(y)}), "thread 31 of block 0 reads at "));
}

struct WrongMask {
  Global<int> y;
  void operator()(Thread& t) const {
    if (t.lane() < 16) y.store(t.lane(), t.shuffle_xor(t.lane(), 1, kAllLanes));
  }
};

TEST(PlantedMistake, MaskNamesLanesThatDoNotCome) {
  std::vector<int> y(32);
  const std::string m = fault_of({1, 32}, WrongMask{global(y)});
  EXPECT_TRUE(contains(m, "waits in shuffle_xor at ")) << m;
  EXPECT_TRUE(contains(m, "for lane 16 of its warp, but thread 16 of block 0 has returned")) << m;
}

struct SourceOutsideMask {
  void operator()(Thread& t) const {
    if (t.lane() < 16) (void)t.shuffle(t.lane(), 20, 0xffffu);
  }
};
struct SelfOutsideMask {
  void operator()(Thread& t) const { t.sync_warp(0xfffffffeu); }
};

TEST(PlantedMistake, MaskLeavesOutALane) {
  EXPECT_TRUE(contains(fault_of({1, 32}, SourceOutsideMask{}), "wants the value of lane 20"));
  EXPECT_TRUE(contains(fault_of({1, 32}, SelfOutsideMask{}), "with a mask that leaves out its own lane 0"));
}

struct Misaligned {
  Global<const float> x;
  void operator()(Thread& t) const { (void)x.load_pack<4>(t.thread()); }
};

TEST(PlantedMistake, MisalignedPack) {
  alignas(16) const float x[64] = {};
  EXPECT_TRUE(contains(fault_of({1, 32}, Misaligned{{x, 64}}), "16 bytes at once from element "));
}

struct BlocksCollide {
  Global<int> y;
  void operator()(Thread& t) const {
    if (t.thread() == 0) y.store(0, static_cast<int>(t.block()));
  }
};

TEST(PlantedMistake, TwoBlocksWriteOnePlace) {
  std::vector<int> y(1);
  EXPECT_TRUE(contains(fault_of({2, 32}, BlocksCollide{global(y)}), "blocks of one launch never meet"));
}

struct TooMuchShared {
  void operator()(Thread& t) const { (void)t.shared<float>(9); }
};

TEST(PlantedMistake, MoreSharedMemoryThanLaunchedWith) {
  EXPECT_TRUE(
      contains(fault_of({1, 32, 32}, TooMuchShared{}), "for bytes 0 to 36 of shared memory, it was launched with 32"));
}

TEST(Simt, LaunchShapesAreChecked) {
  EXPECT_EQ(
      message_of([] {
        launch({}, "odd", {1, 40}, SelfOutsideMask{});
      }),
      "[ops.simt] kernel odd wanted 0 to 2147483647 blocks of 32, 64 ... 1024 threads and 0 to 101376 bytes of shared "
      "memory, got 1 blocks of 40 threads and 0 bytes");
}

}  // namespace
}  // namespace polyscene::testing
