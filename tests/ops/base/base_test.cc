#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <mutex>
#include <set>
#include <vector>

#include "ops/base/error.h"
#include "ops/base/philox.h"
#include "ops/base/ratio.h"
#include "ops/base/thread.h"
#include "ops/base/warning.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

// Known answers published with Random123 (kat_vectors, philox4x32 10).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox(0, 0, 0), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox(~0ull, ~0ull, ~0ull), (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox(0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Warning, IsALineOfTheProgramsOwnForm) {
  ::testing::internal::CaptureStderr();
  warn("[data] more than 3 strings");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              ::testing::EndsWith("polyscene: warning: [data] more than 3 strings\n"));
}

TEST(Philox, StreamReadsBlockAfterBlock) {
  PhiloxStream stream(12, 34);
  for (uint64_t counter = 0; counter < 3; ++counter)
    for (const uint32_t want : philox(12, counter, 34)) EXPECT_EQ(stream.next_u32(), want);
}

TEST(Philox, UniformIsOpenOnBothSides) {
  EXPECT_GT(uniform_open(0), 0);
  EXPECT_LT(uniform_open(~0u), 1);
}

TEST(Philox, MomentsOfDraws) {
  PhiloxStream random(5);
  constexpr int kDraws = 20000;
  double sum = 0, squares = 0;
  std::set<uint64_t> seen;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.next_normal();
    sum += x;
    squares += x * x;
    const uint64_t below = random.next_below(7);
    EXPECT_LT(below, 7u);
    seen.insert(below);
  }
  EXPECT_NEAR(sum / kDraws, 0, 5 / std::sqrt(kDraws));
  EXPECT_NEAR(squares / kDraws, 1, 0.05);
  EXPECT_EQ(seen.size(), 7u);
}

TEST(Error, KindsAreExitCodes) {
  EXPECT_EQ(static_cast<int>(InvalidArgument("").kind()), 2);
  EXPECT_EQ(static_cast<int>(DataError("").kind()), 3);
  EXPECT_EQ(static_cast<int>(DeviceError("").kind()), 4);
  EXPECT_EQ(static_cast<int>(CommunicationError("").kind()), 5);
}

TEST(Error, RequireThrowsTheKindAskedFor) {
  EXPECT_NO_THROW(require(true, "never read"));
  EXPECT_EQ(message_of([] { require(false, "[area] wanted ", 3, ", got ", 2.5); }), "[area] wanted 3, got 2.5");
  EXPECT_EQ(message_of<DataError>([] { require<DataError>(false, "[data] row ", 7); }), "[data] row 7");
}

// Restores the thread count of this test's thread.
class Threads : public ::testing::Test {
 protected:
  void TearDown() override { set_thread_count(before_); }
  const int before_ = thread_count();
};

TEST_F(Threads, ChunksCoverTheRangeOnceAndDoNotDependOnThreads) {
  for (const int threads : {1, 3}) {
    set_thread_count(threads);
    std::mutex mutex;
    std::set<std::pair<int64_t, int64_t>> chunks;
    parallel_for(1003, 100, [&](int64_t begin, int64_t end) {
      const std::lock_guard lock(mutex);
      EXPECT_TRUE(chunks.emplace(begin, end).second);
    });
    ASSERT_EQ(chunks.size(), 11u);
    int64_t next = 0;
    for (const auto& [begin, end] : chunks) {
      EXPECT_EQ(begin, next);
      EXPECT_EQ(end, std::min<int64_t>(begin + 100, 1003));
      next = end;
    }
  }
}

TEST_F(Threads, EmptyRangeRunsNothing) {
  parallel_for(0, 16, [](int64_t, int64_t) { FAIL(); });
}

TEST_F(Threads, LoopsInsideLoopsRunOnTheirThread) {
  set_thread_count(3);
  std::atomic<int64_t> sum = 0;
  parallel_for(4, 1,
               [&](int64_t, int64_t) { parallel_for(10, 3, [&](int64_t begin, int64_t end) { sum += end - begin; }); });
  EXPECT_EQ(sum, 40);
}

TEST_F(Threads, ErrorsReachTheCallerAfterAllChunks) {
  set_thread_count(3);
  std::atomic<int> ran = 0;
  const auto failing = [&](int64_t begin, int64_t) {
    ++ran;
    require(begin != 2, "chunk ", begin);
  };
  EXPECT_EQ(message_of([&] { parallel_for(8, 1, failing); }), "chunk 2");
  EXPECT_EQ(ran, 8);
}

TEST_F(Threads, CountHasBounds) {
  EXPECT_EQ(message_of([] { set_thread_count(0); }), "[ops.thread] wanted 1 to 4096 threads, got 0");
  EXPECT_EQ(message_of([] { set_thread_count(2'000'000'000); }),
            "[ops.thread] wanted 1 to 4096 threads, got 2000000000");
  EXPECT_GE(available_processors(), 1);
}

TEST_F(Threads, AScopeLeavesTheCountAsItWas) {
  set_thread_count(3);
  {
    const ThreadCountScope scope(5);
    EXPECT_EQ(thread_count(), 5);
  }
  EXPECT_EQ(thread_count(), 3);
  EXPECT_EQ(message_of([] { const ThreadCountScope scope(0); }), "[ops.thread] wanted 1 to 4096 threads, got 0");
  EXPECT_EQ(thread_count(), 3);
}

TEST(Ratio, DividesCountsAsDoubles) {
  EXPECT_EQ(ratio(1, 4), 0.25);
  EXPECT_EQ(ratio(-7, 2), -3.5);
  EXPECT_EQ(ratio((int64_t{1} << 53) + 1, 1), 0x1p53);
}

}  // namespace
}  // namespace polyscene::testing
