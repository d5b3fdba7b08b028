// Tables with a bound on the emulated device, against those of the CPU.
#include <gtest/gtest.h>

#include <numeric>

#include "tests/embedding/device/twins.h"
#include "tests/embedding/keys/random_keys.h"
#include "tests/embedding/message_of.h"
#include "tests/support/emulator/emulator.h"

namespace polyscene::testing {
namespace {

using Kind = embedding::SparseOptimizer::Kind;

std::vector<embedding::TableSpec> some_bounded() {
  return {{.name = "free", .dim = 4, .optimizer = {.kind = Kind::kSgd}},
          {.name = "item", .dim = 4, .max_rows = 200},
          {.name = "user", .dim = 3, .optimizer = {.kind = Kind::kRowWiseAdagrad}, .max_rows = 160}};
}

TestBatch some_keys(int64_t step, int rank) {
  TestBatch batch;
  for (int table = 0; table < 3; ++table)
    batch.features.push_back(
        {.table = table, .stride = 1, .keys = distinct_keys(step * 10 + rank % 2 + table, 40, 400), .index = {}});
  return batch;
}

class BoundedDevices : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, BoundedDevices, ::testing::Values(1, 3));

// The same rows with the same contents and access statistics after every step, under another schedule each.
TEST_P(BoundedDevices, ForgetWhatTheCpuForgets) {
  dist::run_local_ranks(GetParam(), [&](dist::Communicator& communicator) {
    Twins twins(communicator, some_bounded(), {.seed = 42, .partitions = 4});
    const int64_t memory = twins.device_tables.memory_bytes();
    for (int64_t step = 0; step < 12; ++step) {
      simt::set_emulator_seed(static_cast<uint64_t>(step + 1));
      TestBatch batch = some_keys(step, communicator.rank());
      twins.look_up(batch, embedding::LookupMode::kTrain, str("step ", step));
      twins.update(step);
      if (step % 4 != 3) continue;
      twins.look_up(batch, embedding::LookupMode::kEval);
      twins.compare();
      EXPECT_EQ(twins.device_lookup.last().rows_evicted, 0);
    }
    EXPECT_GT(twins.lookup.total().rows_evicted, 100 / communicator.size());
    EXPECT_GE(twins.device_tables.memory_bytes(), memory);
  });
}

TEST_P(BoundedDevices, LoadAsTheCpuDoes) {
  dist::run_local_ranks(GetParam(), [&](dist::Communicator& communicator) {
    Twins twins(communicator, {{.name = "item", .dim = 3, .optimizer = {.kind = Kind::kSgd}, .max_rows = 140}},
                {.seed = 42, .partitions = 4});
    embedding::SavedRows rows;
    for (int64_t key = 0; key < 300; ++key) {
      rows.keys.push_back(key);
      rows.accesses.push_back({.last_step = static_cast<int32_t>(key % 9), .visits = static_cast<int32_t>(key)});
      rows.values.insert(rows.values.end(), 3, static_cast<float>(key));
    }
    const embedding::RowTables::Loaded on_device = twins.device_tables.load_rows(0, rows.view()),
                                       on_host = twins.tables.load_rows(0, rows.view());
    EXPECT_EQ(on_device.kept, on_host.kept);
    EXPECT_EQ(on_device.dropped, on_host.dropped);
    EXPECT_GT(on_device.dropped, 0);
    EXPECT_EQ(rows_of(twins.device_tables, 0), rows_of(twins.tables, 0));
    // Training goes on from there: the oldest rows go first.
    TestBatch batch;
    batch.features.push_back({.table = 0, .stride = 1, .keys = {1000, 1001, 1002, 3, 1003}, .index = {}});
    twins.look_up(batch, embedding::LookupMode::kTrain);
    twins.update(1);
    EXPECT_EQ(rows_of(twins.device_tables, 0).keys, rows_of(twins.tables, 0).keys);
  });
}

// The host learns of it a call late, in the words of the CPU's tables; no row has been updated.
TEST_P(BoundedDevices, SayWhenAStepAloneIsTooMuch) {
  const auto train = [](bool on_device) {
    return [on_device](dist::Communicator& communicator) {
      Twins twins(communicator, {{.name = "other", .dim = 2}, {.name = "item", .dim = 2, .max_rows = 128}},
                  {.seed = 42, .partitions = 4});
      std::vector<int64_t> keys(200);
      std::iota(keys.begin(), keys.end(), 0);
      TestBatch batch;
      batch.features.push_back({.table = 1, .stride = 1, .keys = keys, .index = {}});
      twins.deduplicator.run(batch.blocks(), twins.unique);
      if (!on_device) return twins.lookup.lookup(twins.unique, embedding::LookupMode::kTrain);
      twins.device_lookup.lookup(twins.unique, embedding::LookupMode::kTrain);
      twins.update_device(twins.gradients_of(1));
      twins.device_lookup.check();
    };
  };
  const std::string on_host = message_of<InvalidArgument>([&] { dist::run_local_ranks(GetParam(), train(false)); }),
                    on_device = message_of<InvalidArgument>([&] { dist::run_local_ranks(GetParam(), train(true)); });
  EXPECT_NE(on_host.find("table \"item\" with max_rows 128: "), std::string::npos) << on_host;
  if (GetParam() == 1) {
    EXPECT_EQ(on_device, on_host);
  }
  EXPECT_NE(on_device.find("keys of one step want a bucket of 32 rows"), std::string::npos) << on_device;
}

TEST(BoundedDevice, TakesItsMemoryAtOnce) {
  const auto world = dist::make_single_world();
  EmulatedDevice device;
  embedding::DeviceTables tables(device, {.host = *world, .device = *world},
                                 {{.name = "item", .dim = 4, .max_rows = 5000}}, {.partitions = 4});
  const int64_t bytes = tables.memory_bytes();
  EXPECT_GE(bytes, 4096 * tables.spec(0).row_bytes());
  EXPECT_LT(bytes, 6144 * tables.spec(0).row_bytes());
  device.limit_memory(device.use().bytes() + 1000);
  EXPECT_NE(message_of<DeviceError>([&] {
              embedding::DeviceTables(device, {.host = *world, .device = *world},
                                      {{.name = "big", .dim = 4, .max_rows = 5000}}, {.partitions = 4});
            }).find("for the table big"),
            std::string::npos);
}

}  // namespace
}  // namespace polyscene::testing
