// The host and a device: their backends differ in what they do, and give the same results.
#include "core/session/backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>

#include "dist/world.h"
#include "ops/base/thread.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/rank.h"

namespace polyscene::testing {
namespace {

class BackendTest : public ::testing::Test {
 protected:
  BackendTest() { graph_.parameter("w", {3, 4}, Init::kGlorotUniform); }

  [[nodiscard]] std::unique_ptr<core::Backend> host() { return core::make_backend(on_host(*world_), graph_, 1); }
  [[nodiscard]] std::unique_ptr<core::Backend> device() {
    return core::make_backend(on_device(*world_, device_), graph_, 1);
  }

  Graph graph_;
  std::unique_ptr<dist::Communicator> world_ = dist::make_single_world();
  EmulatedDevice device_;
};

TEST_F(BackendTest, TheRankSaysWhereTheExecutorsRun) {
  EXPECT_EQ(host()->executor_options().device, nullptr);
  EXPECT_EQ(device()->executor_options().device, &device_);
}

TEST_F(BackendTest, ParametersStartTheSameOnBoth) {
  const auto here = host(), there = device();
  const Tensor want = here->parameters().host_values(), got = there->parameters().host_values();
  EXPECT_EQ(want.view().data, here->parameters().values().data());
  EXPECT_NE(got.view().data, there->parameters().values().data());
  EXPECT_TRUE(std::ranges::equal(got.elements<const float>(), want.elements<const float>()));
}

TEST_F(BackendTest, OnlyADevicesBatchesArePadded) {
  config::Train train;
  EXPECT_EQ(host()->pad_up_to(train), 0);
  EXPECT_EQ(device()->pad_up_to(train), 4096);
  train.set_device_graphs(config::Train::ALWAYS);
  EXPECT_EQ(host()->pad_up_to(train), 0);
  EXPECT_EQ(device()->pad_up_to(train), std::numeric_limits<int64_t>::max());
  train.set_device_graphs(config::Train::NEVER);
  EXPECT_EQ(device()->pad_up_to(train), 0);
}

TEST_F(BackendTest, ThreadsPrepareBatchesForADeviceOnly) {
  const int before = thread_count();
  for (const auto& [threads, preparing] : {std::pair(1, 1), std::pair(6, 3), std::pair(40, 8)}) {
    set_thread_count(threads);
    EXPECT_EQ(host()->preparing_threads(), 0);
    EXPECT_EQ(device()->preparing_threads(), preparing) << threads;
  }
  set_thread_count(before);
}

TEST_F(BackendTest, LogitsOfTheHostStayInPlaceAndThoseOfADeviceAreCopied) {
  std::array<float, 4> logits = {1, 2, 3, -1};
  const TensorView view{logits.data(), DType::kFloat32, {4, 1}};
  const auto here = host(), there = device();
  const std::span<const float> same = here->read(view, 4), copy = there->read(view, 3);
  EXPECT_EQ(same.data(), logits.data());
  EXPECT_EQ(same.size(), 4u);
  EXPECT_NE(copy.data(), logits.data());
  EXPECT_EQ(std::vector(copy.begin(), copy.end()), (std::vector<float>{1, 2, 3}))
      << "what fills a batch up is left out";
}

TEST_F(BackendTest, GradientsAreSummedOverRanksOnBoth) {
  for (const bool on_devices : {false, true}) {
    dist::run_local_ranks(2, [&](dist::Communicator& communicator) {
      EmulatedDevice mine;
      const auto backend =
          core::make_backend(on_devices ? on_device(communicator, mine) : on_host(communicator), graph_, 1);
      const std::span<float> gradients = backend->parameters().gradients();
      std::ranges::fill(gradients, communicator.rank() == 0 ? 0.5f : 2.0f);  // emulated memory is the host's
      backend->sum_gradients();
      backend->wait();
      const Tensor sums = backend->parameters().host_gradients();
      EXPECT_TRUE(std::ranges::all_of(sums.elements<const float>(), [](float x) { return x == 2.5f; }));
      backend->check();
    });
  }
}

TEST_F(BackendTest, OnlyADeviceIsReported) {
  EXPECT_EQ(host()->report().name, "");
  const auto there = device();
  const core::DeviceReport before = there->report();
  EXPECT_EQ(before.name, "the emulated device");
  EXPECT_NE(before.exchange, "");
  EXPECT_NE(before.peak.find("dense parameters"), std::string::npos) << before.peak;
  there->wait();
  EXPECT_EQ(there->report().waits, before.waits + 1);
  EXPECT_EQ(there->report().holds, before.holds);
}

}  // namespace
}  // namespace polyscene::testing
