// The time between two laps belongs to the stage that the second one names, and a device's profiler is shown the same
// stages.
#include "core/session/stage_clock.h"

#include <gtest/gtest.h>

#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/emulator/emulated_device.h"
#include "tests/support/rank.h"

namespace polyscene::testing {
namespace {

using std::chrono::milliseconds;
using Seconds = std::array<double, core::kStageNames.size()>;

// A device that notes the ranges, and for which the host waits for a while.
class NotingDevice : public EmulatedDevice {
 public:
  explicit NotingDevice(milliseconds wait = milliseconds(0)) : wait_(wait) {}
  void begin_range(const char* name) override { said.push_back(str("begin ", name)); }
  void end_range() override { said.push_back("end"); }
  void synchronize() override {
    EmulatedDevice::synchronize();
    std::this_thread::sleep_for(wait_);
    said.push_back("wait");
  }

  std::vector<std::string> said;

 private:
  milliseconds wait_;
};

class StageClockTest : public ::testing::Test {
 protected:
  StageClockTest() { graph_.parameter("w", {1}, Init::kZeros); }
  std::unique_ptr<core::Backend> backend(const dist::Rank& rank) { return core::make_backend(rank, graph_, 1); }
  std::unique_ptr<core::Backend> host() { return backend(on_host(*world_)); }
  std::unique_ptr<core::Backend> on(Device& device) { return backend(on_device(*world_, device)); }

 private:
  Graph graph_;
  std::unique_ptr<dist::Communicator> world_ = dist::make_single_world();
};

double& of(Seconds& seconds, core::Stage stage) { return seconds[static_cast<size_t>(stage)]; }

TEST_F(StageClockTest, ATimeIsThatOfTheStageThatEnds) {
  Seconds seconds{};
  const auto backend = host();
  const auto begin = std::chrono::steady_clock::now();
  {
    core::StageClock clock(seconds, *backend, true);
    std::this_thread::sleep_for(milliseconds(20));
    clock.lap(core::Stage::kDedup);
    std::this_thread::sleep_for(milliseconds(40));
    clock.lap(core::Stage::kLookup);
    clock.lap(core::Stage::kDense);
    std::this_thread::sleep_for(milliseconds(5));  // of no stage: nothing names it
  }
  const double all = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_GE(of(seconds, core::Stage::kDedup), 0.020);
  EXPECT_GE(of(seconds, core::Stage::kLookup), 0.040);
  EXPECT_LE(std::accumulate(seconds.begin(), seconds.end(), 0.0), all - 0.005);
  for (const core::Stage stage : {core::Stage::kAllReduce, core::Stage::kDenseUpdate, core::Stage::kSparseUpdate})
    EXPECT_EQ(of(seconds, stage), 0);
}

TEST_F(StageClockTest, TimesOfAllStepsAdd) {
  Seconds seconds{};
  of(seconds, core::Stage::kDedup) = 100;
  const auto backend = host();
  for (int step = 0; step < 2; ++step) {
    core::StageClock clock(seconds, *backend, false);
    std::this_thread::sleep_for(milliseconds(10));
    clock.lap(core::Stage::kDedup);
  }
  EXPECT_GE(of(seconds, core::Stage::kDedup), 100.020);
}

TEST_F(StageClockTest, StagesAreRangesOfTheDevice) {
  Seconds seconds{};
  NotingDevice device;
  const auto backend = on(device);
  {
    core::StageClock clock(seconds, *backend, false);
    for (size_t stage = 0; stage < core::kStageNames.size(); ++stage) clock.lap(static_cast<core::Stage>(stage));
  }
  EXPECT_EQ(device.said, (std::vector<std::string>{"begin dedup", "end", "begin lookup", "end", "begin dense fwd+bwd",
                                                   "end", "begin all-reduce", "end", "begin dense update", "end",
                                                   "begin sparse update", "end"}));
}

TEST_F(StageClockTest, AStepThatFailsEndsItsRange) {
  Seconds seconds{};
  NotingDevice device;
  const auto backend = on(device);
  try {
    core::StageClock clock(seconds, *backend, false);
    clock.lap(core::Stage::kDedup);
    throw DataError("no row");
  } catch (const DataError&) {
    device.said.push_back("caught");
  }
  EXPECT_EQ(device.said, (std::vector<std::string>{"begin dedup", "end", "begin lookup", "end", "caught"}));
  EXPECT_EQ(of(seconds, core::Stage::kLookup), 0);
}

// Otherwise the work that one stage queues would count for a later one.
TEST_F(StageClockTest, AProfileWaitsForTheDeviceWithinTheStage) {
  Seconds seconds{};
  NotingDevice device(milliseconds(20));
  const auto backend = on(device);
  {
    core::StageClock clock(seconds, *backend, true);
    clock.lap(core::Stage::kDedup);
  }
  EXPECT_EQ(device.said, (std::vector<std::string>{"begin dedup", "wait", "end", "begin lookup", "end"}));
  EXPECT_GE(of(seconds, core::Stage::kDedup), 0.020);
}

}  // namespace
}  // namespace polyscene::testing
