// Who is scored together with whom, and what becomes of errors, with a stand-in for the scorer.
#include "core/serve/joined_scoring.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <latch>
#include <numeric>
#include <thread>

#include "ops/base/error.h"
#include "ops/base/philox.h"
#include "tests/support/message_of.h"

namespace polyscene::core {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Le;
using namespace std::chrono_literals;

constexpr auto kNever = 1h;  // a wait that ends because the batch is full, or fails the test by its time

// Rows that score as their number does.
Batch numbered(int64_t first, int64_t rows) {
  Batch batch;
  batch.rows = batch.global_rows = rows;
  for (int64_t row = 0; row < rows; ++row) batch.numbers.push_back(static_cast<float>(first + row));
  return batch;
}

class JoinedScoringTest : public ::testing::Test {
 protected:
  // Checks the result too. Returns what was thrown.
  std::string score(int64_t first, int64_t rows, const JoinOptions& options) {
    const Batch batch = numbered(first, rows);
    std::vector<float> logits(static_cast<size_t>(rows), -1);
    const std::string thrown = testing::message_of<Error>([&] { joined_.score(batch, logits, options); });
    if (thrown == "nothing thrown") {
      EXPECT_EQ(logits, batch.numbers);
    }
    return thrown;
  }
  std::future<std::string> start(int64_t first, int64_t rows, const JoinOptions& options) {
    return std::async(std::launch::async, [=, this] { return score(first, rows, options); });
  }
  // Until so many rows wait behind a batch that is held.
  void await(int64_t rows) const {
    while (joined_.waiting_rows() < rows) std::this_thread::yield();
  }

  std::mutex mutex_;
  std::vector<int64_t> rows_;                      // of the batches
  std::function<void(const Batch&)> before_ = {};  // each is scored
  JoinedScoring joined_{[this](const Batch& batch, std::span<float> logits) {
    {
      const std::lock_guard lock(mutex_);
      rows_.push_back(batch.rows);
    }
    if (before_) before_(batch);
    std::ranges::copy(batch.numbers, logits.begin());
  }};
};

TEST_F(JoinedScoringTest, WaitsUntilABatchIsFull) {
  const JoinOptions options{.most_rows = 12, .wait = kNever};
  std::vector<std::future<std::string>> callers;
  for (int64_t i = 0; i < 4; ++i) callers.push_back(start(10 * i, 3, options));
  for (auto& caller : callers) EXPECT_EQ(caller.get(), "nothing thrown");
  EXPECT_THAT(rows_, ElementsAre(12));
}

TEST_F(JoinedScoringTest, WaitsNoLongerThanItMay) {
  EXPECT_EQ(score(0, 3, {.most_rows = 12, .wait = 1ms}), "nothing thrown");
  EXPECT_EQ(score(0, 3, {.most_rows = 12}), "nothing thrown");
  EXPECT_EQ(score(0, 13, {.most_rows = 12, .wait = kNever}), "nothing thrown");
  EXPECT_THAT(rows_, ElementsAre(3, 3, 13));
}

TEST_F(JoinedScoringTest, JoinsWhatCameWhileABatchWasScored) {
  std::latch begun(1), held(1);
  before_ = [&](const Batch& batch) {
    if (batch.numbers[0] > 0) return;
    begun.count_down();
    held.wait();
  };
  const JoinOptions options{.most_rows = 5};
  auto first = start(0, 1, options);
  begun.wait();
  // The first two fit, the third is larger than any batch may be, the last two do not fit together.
  std::vector<std::future<std::string>> callers;
  int64_t waiting = 0;
  for (const int64_t rows : {2, 3, 9, 4, 2}) {
    callers.push_back(start(100 * rows, rows, options));
    await(waiting += rows);
  }
  held.count_down();
  for (auto& caller : callers) EXPECT_EQ(caller.get(), "nothing thrown");
  EXPECT_EQ(first.get(), "nothing thrown");
  EXPECT_THAT(rows_, ElementsAre(1, 5, 9, 4, 2));
  EXPECT_EQ(joined_.waiting_rows(), 0);
}

// Offsets of 32 bits would not hold the lists of all: such requests are scored one after the other.
TEST_F(JoinedScoringTest, JoinsNoMoreValuesThanOffsetsHold) {
  std::latch begun(1), held(1);
  before_ = [&](const Batch& batch) {
    if (!batch.sequences.empty()) return;
    begun.count_down();
    held.wait();
  };
  const JoinOptions options{.most_rows = 8};
  auto first = start(0, 1, options);
  begun.wait();
  Batch many = numbered(0, 1);
  many.sequences.push_back({.offsets = {0, int32_t{1} << 30}, .sides = {}});
  std::vector<std::future<void>> callers;
  for (int64_t i = 1; i <= 3; ++i) {
    callers.push_back(std::async(std::launch::async, [&] {
      float logit = -1;
      joined_.score(many, {&logit, 1}, options);
      EXPECT_EQ(logit, 0);
    }));
    await(i);
  }
  held.count_down();
  for (auto& caller : callers) caller.get();
  EXPECT_EQ(first.get(), "nothing thrown");
  EXPECT_THAT(rows_, ElementsAre(1, 1, 1, 1));
}

TEST_F(JoinedScoringTest, ScoresSeveralBatchesAtOnce) {
  // Each waits for the other: one after the other they would never end.
  std::latch both(2);
  before_ = [&](const Batch&) { both.arrive_and_wait(); };
  const JoinOptions options{.most_rows = 8, .at_once = 2};
  auto one = start(0, 8, options), two = start(8, 8, options);
  EXPECT_EQ(one.get(), "nothing thrown");
  EXPECT_EQ(two.get(), "nothing thrown");
  EXPECT_THAT(rows_, ElementsAre(8, 8));
}

TEST_F(JoinedScoringTest, AnErrorReachesAllOfItsBatchAndNoOther) {
  before_ = [&](const Batch& batch) { require<DataError>(batch.rows != 4, "broken"); };
  const JoinOptions options{.most_rows = 4, .wait = kNever};
  for (int round = 0; round < 3; ++round) {
    auto one = start(0, 2, options), two = start(2, 2, options);
    EXPECT_EQ(one.get(), "broken");
    EXPECT_EQ(two.get(), "broken");
    EXPECT_EQ(score(0, 5, options), "nothing thrown");
  }
  EXPECT_THAT(rows_, ElementsAre(4, 5, 4, 5, 4, 5));
}

// Under contention every request gets its own scores, none is scored twice, and batches keep to their limits.
TEST_F(JoinedScoringTest, LosesNothingUnderContention) {
  constexpr int kThreads = 8, kRequests = 400;
  for (const JoinOptions& options : {JoinOptions{.most_rows = 12}, JoinOptions{.most_rows = 12, .at_once = 3},
                                     JoinOptions{.most_rows = 12, .wait = 50us, .at_once = 2}}) {
    std::atomic<int> under_way = 0, most_under_way = 0;
    std::atomic<int64_t> asked = 0;
    before_ = [&](const Batch& batch) {
      const int now = ++under_way;
      for (int most = most_under_way; now > most && !most_under_way.compare_exchange_weak(most, now);) continue;
      if (static_cast<int64_t>(batch.numbers[0]) % 16 == 0) std::this_thread::sleep_for(100us);
      --under_way;
      require<DataError>(std::ranges::find(batch.numbers, 13) == batch.numbers.end(), "unlucky");
    };
    rows_.clear();
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        PhiloxStream random(static_cast<uint64_t>(t));
        for (int i = 0; i < kRequests; ++i) {
          const auto rows = static_cast<int64_t>(1 + random.next_below(6));
          const auto first = static_cast<int64_t>(random.next_below(1000));
          asked += rows;
          const std::string thrown = score(first, rows, options);
          if (first <= 13 && first + rows > 13) {
            EXPECT_EQ(thrown, "unlucky");
          }
        }
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_THAT(rows_, Each(Le(12)));
    EXPECT_EQ(std::accumulate(rows_.begin(), rows_.end(), int64_t{0}), asked);
    EXPECT_LT(rows_.size(), kThreads * kRequests);
    EXPECT_LE(most_under_way, options.at_once);
    EXPECT_EQ(joined_.waiting_rows(), 0);
  }
}

}  // namespace
}  // namespace polyscene::core
