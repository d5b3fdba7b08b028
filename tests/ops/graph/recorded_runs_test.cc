#include "ops/graph/recorded_runs.h"

#include <gtest/gtest.h>

namespace polyscene::testing {
namespace {

using Bindings = RecordedRuns::Bindings;

class RecordedRunsTest : public ::testing::Test {
 protected:
  // A recording that notes where it is launched and how many of its kind there are.
  class Recording : public DeviceGraph {
   public:
    Recording(RecordedRunsTest& test, int64_t name) : test_(test), name_(name) { ++test_.alive_; }
    ~Recording() override { --test_.alive_; }
    void launch() override { test_.launched_.push_back(name_); }

   private:
    RecordedRunsTest& test_;
    int64_t name_;
  };
  void record(const Bindings& bindings) {
    std::vector<TensorView> views(1);
    views[0].shape = Shape{bindings[0]};
    runs_.record(bindings, std::make_unique<Recording>(*this, bindings[0]), views);
  }
  void note_and_record(const Bindings& bindings, int64_t allocations = 0) {
    runs_.note(bindings, allocations);
    record(bindings);
  }
  [[nodiscard]] bool replays(const Bindings& bindings, int64_t allocations = 0) {
    return runs_.replay(bindings, allocations) != nullptr;
  }

  int64_t alive_ = 0;
  std::vector<int64_t> launched_;
  RecordedRuns runs_;
};

TEST_F(RecordedRunsTest, ARunIsKnownOnceItCame) {
  EXPECT_FALSE(runs_.known({1, 2}, 0));
  EXPECT_FALSE(replays({1, 2}));
  runs_.note({1, 2}, 0);
  EXPECT_TRUE(runs_.known({1, 2}, 0));
  EXPECT_FALSE(runs_.known({1, 3}, 0));
  EXPECT_FALSE(replays({1, 2})) << "it was not recorded";
  EXPECT_EQ(runs_.recorded(), 0);
}

TEST_F(RecordedRunsTest, ARecordingIsLaunchedAtOnceAndWheneverItsRunComes) {
  note_and_record({1});
  note_and_record({2});
  EXPECT_EQ(launched_, (std::vector<int64_t>{1, 2}));
  const std::vector<TensorView>* views = runs_.replay({1}, 0);
  ASSERT_NE(views, nullptr);
  EXPECT_EQ((*views)[0].shape, Shape{1}) << "what it was recorded with";
  EXPECT_TRUE(replays({1}));
  EXPECT_EQ(launched_, (std::vector<int64_t>{1, 2, 1, 1}));
  EXPECT_EQ(runs_.recorded(), 2);
  EXPECT_EQ(runs_.replayed(), 2);
}

TEST_F(RecordedRunsTest, ARecordingIsGivenUpOnceMemoryHasMoved) {
  note_and_record({1}, 5);
  EXPECT_FALSE(runs_.known({1}, 6));
  EXPECT_FALSE(replays({1}, 6));
  EXPECT_EQ(alive_, 0) << "before the run takes memory of its own";
  note_and_record({1}, 6);
  EXPECT_TRUE(replays({1}, 6));
  EXPECT_EQ(runs_.recorded(), 2);
  EXPECT_EQ(launched_, (std::vector<int64_t>{1, 1, 1}));
}

TEST_F(RecordedRunsTest, TheRecordingThatWasUsedLeastRecentlyIsForgotten) {
  for (int64_t i = 0; i < RecordedRuns::kMostRecordings; ++i) note_and_record({i});
  EXPECT_TRUE(replays({0}));
  note_and_record({1000});
  EXPECT_EQ(alive_, RecordedRuns::kMostRecordings);
  EXPECT_TRUE(replays({0})) << "it was used since";
  EXPECT_FALSE(replays({1}));
  EXPECT_FALSE(runs_.known({1}, 0)) << "it comes as if for the first time";
  EXPECT_TRUE(replays({2}));
  EXPECT_TRUE(replays({1000}));
}

TEST_F(RecordedRunsTest, RunsThatNeverCameAgainAreForgottenWhereThereAreMany) {
  note_and_record({-1});
  for (int64_t i = 0; i < RecordedRuns::kMostRuns; ++i) runs_.note({i}, 0);
  EXPECT_TRUE(runs_.known({0}, 0));
  record({7});
  EXPECT_FALSE(runs_.known({0}, 0));
  EXPECT_TRUE(replays({-1}));
  EXPECT_TRUE(replays({7}));
}

}  // namespace
}  // namespace polyscene::testing
