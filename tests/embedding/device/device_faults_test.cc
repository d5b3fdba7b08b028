// Gradients that are not finite, and what is said where a call is wrong.
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "tests/embedding/device/twins.h"
#include "tests/embedding/message_of.h"

namespace polyscene::testing {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

TestBatch keys_of(int table, std::vector<int64_t> keys) {
  TestBatch batch;
  batch.features.push_back({.table = table, .stride = 1, .keys = std::move(keys), .index = {}});
  return batch;
}

std::vector<embedding::TableSpec> two_tables() { return {{.name = "other", .dim = 2}, {.name = "item", .dim = 2}}; }

class FaultyRanks : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, FaultyRanks, ::testing::Values(1, 3));

TEST_P(FaultyRanks, ANonFiniteGradientIsNamedAsOnTheCpu) {
  const int ranks = GetParam();
  const auto train_with_nan = [&](dist::Communicator& communicator) {
    Twins twins(communicator, two_tables());
    TestBatch batch = keys_of(1, {5, 17, 4});
    twins.look_up(batch, embedding::LookupMode::kTrain);
    std::vector<std::vector<float>> gradients(1, std::vector<float>(6, 1.0f));
    if (communicator.rank() == ranks - 1) gradients[0][static_cast<size_t>(batch.row(0, 1)) * 2 + 1] = kNaN;
    twins.update_device(gradients);
    EXPECT_EQ(twins.device_tables.update_steps(), 1);
    twins.device_lookup.check();
  };
  EXPECT_EQ(message_of<Error>([&] { dist::run_local_ranks(ranks, train_with_nan); }),
            "[embedding.update] wanted finite gradients, got nan in element 1 of key 17 of table \"item\" (summed over "
            "ranks); try a smaller learning rate, or check every operator's output");
}

// No rank's gradient is infinite, their sum is.
TEST(DeviceFaults, ASumThatOverflowsIsFound) {
  const auto train = [&](dist::Communicator& communicator) {
    Twins twins(communicator, {{.name = "item", .dim = 5}});
    TestBatch batch = keys_of(0, {9});
    twins.look_up(batch, embedding::LookupMode::kTrain);
    twins.update_device({std::vector<float>(5, std::numeric_limits<float>::max())});
    twins.device_lookup.check();
  };
  const std::string message = message_of<Error>([&] { dist::run_local_ranks(2, train); });
  EXPECT_NE(message.find("got inf in element 0 of key 9 of table \"item\""), std::string::npos) << message;
}

// The host learns of it a few calls late; until then nothing moves a row, and then all goes on as before.
TEST(DeviceFaults, ANonFiniteGradientChangesNoRow) {
  const auto world = dist::make_single_world();
  Twins twins(*world, two_tables());
  std::vector<int64_t> keys(70);
  std::iota(keys.begin(), keys.end(), 0);
  TestBatch batch = keys_of(1, keys);
  batch.features.push_back({.table = 0, .stride = 1, .keys = keys, .index = {}});
  twins.look_up(batch, embedding::LookupMode::kTrain);
  twins.update(1);
  const embedding::SavedRows before[] = {rows_of(twins.device_tables, 0), rows_of(twins.device_tables, 1)};
  auto gradients = twins.gradients_of(2);
  const std::vector<std::vector<float>> good = gradients;
  for (const auto& [row, value] : {std::pair{75, kInfinity}, {139, kNaN}, {71, -kInfinity}})
    gradients[0][static_cast<size_t>(row) * 2 + 1] = value;
  twins.update_device(gradients);

  const int64_t waits = twins.device.use().waits(HostWait::kResult);
  int calls = 0;
  const std::string message = message_of<Error>([&] {
    for (; calls < 10; ++calls) {
      twins.device_lookup.lookup(twins.unique, embedding::LookupMode::kTrain);
      twins.update_device(good);
    }
  });
  EXPECT_NE(message.find("got -inf in element 1 of key 1 of table \"item\""), std::string::npos) << message;
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(twins.device.use().waits(HostWait::kResult), waits + 1);  // for the work behind the error
  EXPECT_EQ(twins.device_tables.update_steps(), 1);
  for (int t = 0; t < 2; ++t) {
    embedding::SavedRows after = rows_of(twins.device_tables, t);
    EXPECT_EQ(after.accesses[0], (embedding::AccessStatistics{.last_step = 3, .visits = 2}));  // looked up they were
    after.accesses = before[t].accesses;
    EXPECT_EQ(after, before[t]);
  }
  EXPECT_EQ(message_of([&] { twins.update_device(good); }),
            "[embedding.update] wanted a lookup in LookupMode::kTrain before the update, got none");

  twins.look_up(batch, embedding::LookupMode::kTrain);
  twins.update(good);
  twins.compare(/*accesses=*/false);
}

TEST(DeviceFaults, WrongCallsAreRefusedAsOnTheCpu) {
  const auto world = dist::make_single_world();
  Twins twins(*world, {{.name = "a", .dim = 4}, {.name = "b", .dim = 2}});
  const auto message = [&](const std::vector<TensorView>& gradients) {
    return message_of([&] { twins.device_lookup.update(gradients); });
  };
  EXPECT_EQ(message_of([&] { static_cast<void>(twins.device_lookup.rows(0)); }),
            "[embedding.lookup] wanted a lookup before its rows, got none");
  EXPECT_EQ(message({}), "[embedding.update] wanted a lookup in LookupMode::kTrain before the update, got none");
  EXPECT_EQ(
      message_of([&] { twins.device_lookup.lookup(embedding::UniqueKeys{}, embedding::LookupMode::kTrain); }),
      "[embedding.lookup] wanted keys deduplicated for 2 tables on 1 ranks, got counts of 0 parts instead of 2; try "
      "a Deduplicator of the tables' layout");
  TestBatch batch = keys_of(0, {1, 2, 3});
  twins.look_up(batch, embedding::LookupMode::kEval);
  EXPECT_EQ(message({}),
            "[embedding.update] wanted a lookup in LookupMode::kTrain before the update, got one in LookupMode::kEval");
  twins.look_up(batch, embedding::LookupMode::kTrain);
  const Tensor right(DType::kFloat32, {3, 4}), wrong(DType::kFloat32, {3, 2}), none(DType::kFloat32, {0, 2}),
      longer(DType::kFloat32, {4, 4});
  EXPECT_EQ(message({wrong.view(), none.view()}),
            "[embedding.update] wanted float32 gradients [3, 4] for group 0, got float32 [3, 2]");
  const TensorView off{longer.view().as<float>() + 1, DType::kFloat32, {3, 4}};
  EXPECT_EQ(
      message({off, none.view()}),
      str("[embedding.update] wanted gradients of group 0 on a multiple of 16 bytes on a device, got ", off.data));
  EXPECT_EQ(message({right.view(), none.view()}), "nothing thrown");
}

TEST(DeviceFaults, CommunicatorsOfOtherRanksAreRefused) {
  const auto one = dist::make_single_world();
  const std::string message = message_of([&] {
    dist::run_local_ranks(2, [&](dist::Communicator& communicator) {
      EmulatedDevice device;
      if (communicator.rank() == 1)
        embedding::DeviceTables(device, {.host = communicator, .device = *one}, two_tables(), {});
    });
  });
  EXPECT_EQ(message,
            "[embedding.device] wanted two communicators of the same ranks, got rank 1 of 2 on the host and rank 0 of "
            "1 on the device");
}

}  // namespace
}  // namespace polyscene::testing
