// Lookups and updates on the emulated device against the CPU's, which is the oracle.
#include "embedding/device/device_lookup.h"

#include <gtest/gtest.h>

#include <limits>
#include <mutex>
#include <numeric>

#include "tests/embedding/device/twins.h"
#include "tests/embedding/message_of.h"
#include "tests/support/emulator/emulator.h"

namespace polyscene::testing {
namespace {

using Kind = embedding::SparseOptimizer::Kind;

// Every optimiser, dims that packs divide and that they do not, groups of several tables.
std::vector<embedding::TableSpec> device_kinds() {
  return {
      {.name = "adam", .dim = 16, .optimizer = {.kind = Kind::kLazyAdam, .learning_rate = 0.01}},
      {.name = "adagrad", .dim = 33, .init_stddev = 0.5, .optimizer = {.kind = Kind::kAdagrad, .learning_rate = 0.1}},
      {.name = "row_wise", .dim = 16, .optimizer = {.kind = Kind::kRowWiseAdagrad, .weight_decay = 0.01}},
      {.name = "sgd", .dim = 1, .optimizer = {.kind = Kind::kSgd, .learning_rate = 0.5, .weight_decay = 0.1}},
      {.name = "adam_decay", .dim = 4, .optimizer = {.kind = Kind::kLazyAdam, .beta1 = 0.5, .weight_decay = 0.1}},
      {.name = "row_wise_odd", .dim = 33, .optimizer = {.kind = Kind::kRowWiseAdagrad}},
  };
}

TestBatch batch_of(std::vector<int64_t> keys, int table = 0) {
  TestBatch batch;
  batch.features.push_back({.table = table, .stride = 1, .keys = std::move(keys), .index = {}});
  return batch;
}

std::vector<int64_t> iota_keys(int64_t first, int64_t count) {
  std::vector<int64_t> keys(static_cast<size_t>(count));
  std::iota(keys.begin(), keys.end(), first);
  return keys;
}

class DeviceRanks : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, DeviceRanks, ::testing::Values(1, 2, 3));

void expect_same(const embedding::LookupStatistics& got, const embedding::LookupStatistics& want) {
  EXPECT_EQ(got.steps, want.steps);
  EXPECT_EQ(got.keys_in, want.keys_in);
  EXPECT_EQ(got.keys_sent, want.keys_sent);
  EXPECT_EQ(got.keys_received, want.keys_received);
  EXPECT_EQ(got.keys_owned, want.keys_owned);
  EXPECT_EQ(got.rows_created, want.rows_created);
  EXPECT_EQ(got.bytes_sent, want.bytes_sent);
}

TEST_P(DeviceRanks, TrainAndEvaluateAsTheCpuDoes) {
  dist::run_local_ranks(GetParam(), [&](dist::Communicator& communicator) {
    Twins twins(communicator, device_kinds());
    for (int64_t step = 0; step < 4; ++step) {
      simt::set_emulator_seed(static_cast<uint64_t>(step + 1));
      TestBatch train = random_batch(twins.tables.tables(), step, communicator.rank(), 14);
      twins.look_up(train, embedding::LookupMode::kTrain, str("step ", step));
      twins.update(step, 1.0 / static_cast<double>(step + 1));
      expect_same(twins.device_lookup.last(), twins.lookup.last());
      if (step % 2 == 0) continue;
      TestBatch evaluated = random_batch(twins.tables.tables(), step + 100, communicator.rank(), 14);
      twins.look_up(evaluated, embedding::LookupMode::kEval, str("evaluation after step ", step));
      expect_same(twins.device_lookup.last(), twins.lookup.last());
    }
    expect_same(twins.device_lookup.total(), twins.lookup.total());
    twins.compare();
  });
}

TEST_P(DeviceRanks, NewRowsHaveTheInitialValuesOfTheCpuBitwise) {
  dist::run_local_ranks(GetParam(), [&](dist::Communicator& communicator) {
    Twins twins(communicator, device_kinds());
    TestBatch batch = random_batch(twins.tables.tables(), 1, communicator.rank(), 14);
    twins.look_up(batch, embedding::LookupMode::kTrain);
    for (int t = 0; t < twins.tables.tables(); ++t)
      EXPECT_EQ(rows_of(twins.device_tables, t), rows_of(twins.tables, t));
  });
}

// Sums of several senders, and rows that were created at once by several of them.
TEST_P(DeviceRanks, RunsAreBitwiseEqualUnderEverySchedule) {
  const auto train = [&](uint64_t seed) {
    std::vector<std::vector<embedding::SavedRows>> rows(static_cast<size_t>(GetParam()));
    dist::run_local_ranks(GetParam(), [&](dist::Communicator& communicator) {
      simt::set_emulator_seed(seed);
      Twins twins(communicator, device_kinds());
      for (int64_t step = 0; step < 3; ++step) {
        TestBatch batch = random_batch(twins.tables.tables(), step, communicator.rank(), 12);
        twins.look_up(batch, embedding::LookupMode::kTrain);
        twins.update(step);
      }
      for (int t = 0; t < twins.tables.tables(); ++t)
        rows[static_cast<size_t>(communicator.rank())].push_back(rows_of(twins.device_tables, t));
    });
    return rows;
  };
  EXPECT_EQ(train(7), train(1));
}

// (1e8 - 1e8) + 1 is 1, in any other order it is 0.
TEST(DeviceLookup, GradientsAreAddedInRankOrder) {
  dist::run_local_ranks(3, [&](dist::Communicator& communicator) {
    Twins twins(communicator, {{.name = "t", .dim = 5, .optimizer = {.kind = Kind::kSgd, .learning_rate = 1}}});
    TestBatch batch = batch_of(iota_keys(0, 9));
    twins.look_up(batch, embedding::LookupMode::kTrain);
    const float of_rank[] = {1e8f, -1e8f, 1.0f};
    twins.update({std::vector<float>(45, of_rank[communicator.rank()])});
    twins.compare();
    for (const float value : rows_of(twins.device_tables, 0).values) EXPECT_NEAR(value, -1, 0.1);
  });
}

TEST_P(DeviceRanks, StepsWithoutKeysCountAsUpdates) {
  dist::run_local_ranks(GetParam(), [&](dist::Communicator& communicator) {
    Twins twins(communicator, device_kinds());
    TestBatch none;
    twins.look_up(none, embedding::LookupMode::kEval);
    twins.look_up(none, embedding::LookupMode::kTrain);
    twins.update(0);
    TestBatch some = batch_of({3, -1, std::numeric_limits<int64_t>::min()}, 4);
    twins.look_up(communicator.rank() == 0 ? some : none, embedding::LookupMode::kTrain);
    twins.update(1);
    EXPECT_EQ(twins.device_tables.update_steps(), 2);
    twins.compare();
  });
}

// Over several chunks and rebuilds of the index.
TEST(DeviceLookup, TablesGrowFromNothing) {
  const auto world = dist::make_single_world();
  Twins twins(*world, {{.name = "t", .dim = 1, .optimizer = {.kind = Kind::kAdagrad}}});
  int64_t next = 0;
  for (const int64_t count : {1, 63, 64, 400, 31, 700}) {
    TestBatch batch = batch_of(iota_keys(next - 20, count));  // some known, some new
    next += count;
    twins.look_up(batch, embedding::LookupMode::kTrain, str(next, " keys"));
    twins.update(next);
  }
  twins.compare();
}

// Keys that start at one bucket with one digest: all are compared whole, and buckets overflow.
TEST(DeviceLookup, KeysOfOneBucketAndOneDigestAreToldApart) {
  const auto world = dist::make_single_world();
  Twins twins(*world, {{.name = "t", .dim = 4}});
  const uint64_t salt = embedding::table_salt("t");
  std::vector<int64_t> keys;
  for (int64_t key = 0; keys.size() < 60; ++key)
    if (const uint64_t hash = embedding::index_hash(key, salt); embedding::digest(hash) == 77 && hash >> 61 == 5)
      keys.push_back(key);
  TestBatch first = batch_of({keys.begin(), keys.begin() + 30}), all = batch_of(keys);
  twins.look_up(first, embedding::LookupMode::kTrain);
  twins.update(1);
  twins.look_up(all, embedding::LookupMode::kEval);
  twins.look_up(all, embedding::LookupMode::kTrain);
  twins.update(2);
  twins.compare();
}

TEST(DeviceLookup, TheHostDoesNotWaitInTheSteadyState) {
  const auto world = dist::make_single_world();
  Twins twins(*world, device_kinds());
  std::vector<TestBatch> batches;
  for (int64_t b = 0; b < 3; ++b) batches.push_back(random_batch(twins.tables.tables(), b, 0, 12));
  const auto step = [&](int64_t s) {
    TestBatch& batch = batches[static_cast<size_t>(s % 3)];
    twins.deduplicator.run(batch.blocks(), twins.unique);
    twins.device_lookup.lookup(twins.unique, embedding::LookupMode::kTrain);
    twins.update_device(twins.gradients_of(s));
    twins.device_lookup.lookup(twins.unique, embedding::LookupMode::kEval);
  };
  for (int64_t s = 0; s < 4; ++s) step(s);
  const DeviceUse& use = twins.device.use();
  const int64_t waits = use.waits(HostWait::kResult), throttled = use.waits(HostWait::kThrottle), bytes = use.bytes();
  for (int64_t s = 4; s < 12; ++s) step(s);
  EXPECT_EQ(use.waits(HostWait::kResult), waits);
  EXPECT_EQ(use.waits(HostWait::kThrottle), throttled);
  EXPECT_EQ(use.bytes(), bytes);
  EXPECT_EQ(twins.device_tables.update_steps(), 12);
}

// Bounds are loose while counts are old: a host that is far ahead waits for older ones, and the device keeps its work.
TEST(DeviceLookup, AHostThatIsFarAheadIsHeldBackWithoutDrainingTheDevice) {
  const auto world = dist::make_single_world();
  Twins twins(*world, {{.name = "t", .dim = 1, .optimizer = {.kind = Kind::kSgd}}});
  TestBatch fewer = batch_of(iota_keys(0, 150)), batch = batch_of(iota_keys(0, 200));
  twins.look_up(fewer, embedding::LookupMode::kTrain);                              // makes room for 600 rows
  for (int i = 0; i < 2; ++i) twins.look_up(batch, embedding::LookupMode::kTrain);  // keys have two places, by turns
  const DeviceUse& use = twins.device.use();
  const int64_t waits = use.waits(HostWait::kResult), throttled = use.waits(HostWait::kThrottle), bytes = use.bytes();
  for (int i = 0; i < 6; ++i) twins.device_lookup.lookup(twins.unique, embedding::LookupMode::kTrain);
  EXPECT_EQ(use.waits(HostWait::kResult), waits);
  EXPECT_GT(use.waits(HostWait::kThrottle), throttled);
  EXPECT_EQ(use.bytes(), bytes);
}

TEST(DeviceLookup, ReadsZerosWhereATableHasNoRowYet) {
  const auto world = dist::make_single_world();
  Twins twins(*world, device_kinds());
  TestBatch batch = batch_of({1, 2, 3}, 1);
  twins.look_up(batch, embedding::LookupMode::kEval);
  EXPECT_EQ(twins.device_tables.global_rows(), std::vector<int64_t>(6));
  EXPECT_EQ(to_host(twins.device, twins.device_lookup.rows(1)), std::vector<float>(99));
}

}  // namespace
}  // namespace polyscene::testing
