// Memory of tables on the emulated device: saving, loading, growing.
#include "embedding/device/device_tables.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "tests/embedding/device/twins.h"
#include "tests/embedding/message_of.h"

namespace polyscene::testing {
namespace {

using Kind = embedding::SparseOptimizer::Kind;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();

embedding::SavedRows saved_rows(size_t count, size_t dim, size_t width) {
  embedding::SavedRows rows;
  for (size_t i = 0; i < count; ++i) rows.keys.push_back(static_cast<int64_t>(mix64(i)));
  rows.keys[0] = kMin;
  rows.keys[1] = kMax;
  rows.keys[2] = -1;
  rows.keys[3] = rows.keys[9];  // a key twice: the later row stays
  for (size_t i = 0; i < count * dim; ++i) rows.values.push_back(static_cast<float>(i) + 0.5f);
  for (size_t i = 0; i < count * width; ++i) rows.state.push_back(static_cast<float>(i) / 8);
  for (size_t i = 0; i < count && width > 0; ++i)
    rows.accesses.push_back({static_cast<int32_t>(i % 7), static_cast<int32_t>(i)});
  return rows;
}

class LoadingRanks : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, LoadingRanks, ::testing::Values(1, 2));

TEST_P(LoadingRanks, LoadedRowsAreSavedAsOnTheCpu) {
  dist::run_local_ranks(GetParam(), [&](dist::Communicator& communicator) {
    Twins twins(communicator, {{.name = "a", .dim = 3},
                               {.name = "b", .dim = 4, .optimizer = {.kind = Kind::kRowWiseAdagrad}},
                               {.name = "c", .dim = 3, .optimizer = {.kind = Kind::kSgd}}});
    for (int t = 0; t < 3; ++t) {
      const embedding::TableSpec& spec = twins.device_tables.spec(t);
      const auto dim = static_cast<size_t>(spec.dim), width = static_cast<size_t>(spec.optimizer.state_width(spec.dim));
      const embedding::SavedRows rows = saved_rows(100, dim, width), more = saved_rows(40, dim, 0);
      EXPECT_EQ(twins.device_tables.load_rows(t, rows.view()).kept, twins.tables.load_rows(t, rows.view()).kept);
      // Over rows that are there, and without state.
      static_cast<void>(twins.device_tables.load_rows(t, more.view()));
      static_cast<void>(twins.tables.load_rows(t, more.view()));
      EXPECT_EQ(rows_of(twins.device_tables, t), rows_of(twins.tables, t));
    }
    TestBatch batch = random_batch(3, 1, communicator.rank(), 20);
    twins.look_up(batch, embedding::LookupMode::kTrain);
    twins.update(1);
    twins.compare();
    EXPECT_EQ(twins.device_lookup.total().rows_created, twins.lookup.total().rows_created);
  });
}

TEST(DeviceTables, NewRowsWithoutSavedStateStartFromTheInitialOne) {
  const auto world = dist::make_single_world();
  Twins twins(*world, {{.name = "a", .dim = 3, .optimizer = {.kind = Kind::kAdagrad, .initial_accumulator = 0.25}}});
  static_cast<void>(twins.device_tables.load_rows(0, {std::vector<int64_t>{7}, std::vector<float>{1, 2, 3}}));
  EXPECT_EQ(rows_of(twins.device_tables, 0), (embedding::SavedRows{.keys = {7},
                                                                   .values = {1, 2, 3},
                                                                   .state = std::vector<float>(3, 0.25f),
                                                                   .accesses = {embedding::AccessStatistics()}}));
}

// What embedding/README.md promises, while batches of a sixteenth of the rows come.
TEST(DeviceTables, MemoryStaysWithinOneAndThreeQuartersOfItsRows) {
  const embedding::TableSpec spec{.name = "a", .dim = 4, .optimizer = {.kind = Kind::kRowWiseAdagrad}};
  EmulatedDevice device;
  embedding::DeviceTable table(device, spec, 1);
  const auto none = device.allocate(4, "a test");
  device.clear(none.get(), 4);
  double worst = 0;
  for (int64_t rows = 8192; rows < 40000; rows += rows / 16) {
    table.reserve(rows + 4 * (rows / 16), rows, static_cast<int32_t*>(none.get()));
    worst = std::max(worst, static_cast<double>(table.memory_bytes()) / static_cast<double>(rows * spec.row_bytes()));
    EXPECT_EQ(device.use().bytes(), table.memory_bytes() + 4);
  }
  EXPECT_LE(worst, 1.75);
  EXPECT_EQ(device.use().peak_bytes(), device.use().bytes());
  RecordProperty("memory_ratio", std::to_string(worst));
}

TEST(DeviceTables, ReportTheMemoryOfAllTables) {
  const auto world = dist::make_single_world();
  EmulatedDevice device;
  embedding::DeviceTables tables(device, {.host = *world, .device = *world},
                                 {{.name = "a", .dim = 4}, {.name = "b", .dim = 2}}, {});
  EXPECT_EQ(tables.memory_bytes(), 0);
  static_cast<void>(tables.load_rows(0, {std::vector<int64_t>{1}, std::vector<float>(4)}));
  EXPECT_GE(tables.memory_bytes(), embedding::kChunkRows * tables.spec(0).row_bytes());
}

TEST(DeviceTables, SayWhatIsWrong) {
  const auto world = dist::make_single_world();
  EmulatedDevice device;
  embedding::DeviceTables tables(device, {.host = *world, .device = *world}, {{.name = "a", .dim = 4}}, {});
  std::vector<int64_t> keys(2);
  std::vector<float> floats(3);
  EXPECT_EQ(message_of([&] {
              tables.read_rows(0, {keys, floats});
            }),
            "[embedding.table] table \"a\": wanted room for 0 keys, 0 values, 0 (or no) state floats and 0 (or no) "
            "access statistics, got 2, 3, 0 and 0");
  EXPECT_EQ(message_of([&] {
              static_cast<void>(tables.load_rows(0, {keys, floats}));
            }),
            "[embedding.table] table \"a\": wanted 8 values, 16 (or no) state floats and 2 (or no) access statistics "
            "for 2 keys, got 3, 0 and 0; the rows were saved with another dim or optimizer");
  embedding::DeviceTable small(device, {.name = "b", .dim = 1}, 1, {.most_rows = 100});
  EXPECT_EQ(message_of<DeviceError>([&] { small.reserve(101, 0, nullptr); }),
            "[embedding.device] table \"b\" wanted room for 101 rows, but the most that a rank can hold is 100; try "
            "more ranks");
  device.limit_memory(device.use().bytes() + 1000);
  const std::string message = message_of<DeviceError>([&] { small.reserve(100, 0, nullptr); });
  EXPECT_EQ(message.rfind("[device] the emulated device is out of memory: wanted 0.0 MiB for the table b, ", 0), 0u)
      << message;
}

// The device may be behind when tables go: it must not copy to memory that they had.
TEST(DeviceTables, MayGoBeforeTheDeviceIsDone) {
  const auto world = dist::make_single_world();
  EmulatedDevice device;
  {
    embedding::DeviceTables tables(device, {.host = *world, .device = *world}, {{.name = "a", .dim = 4}}, {});
    embedding::DeviceLookup lookup(tables);
    std::vector<int64_t> keys = {1, 2};
    std::vector<int32_t> index(2);
    embedding::UniqueKeys unique;
    const embedding::KeyBlock block{.table = 0, .keys = keys, .index = index};
    embedding::Deduplicator(tables.layout()).run({&block, 1}, unique);
    lookup.lookup(unique, embedding::LookupMode::kTrain);
    EXPECT_EQ(device.use().waits(HostWait::kResult), 0);
  }
  EXPECT_EQ(device.use().waits(HostWait::kResult), 1);
  EXPECT_EQ(device.use().bytes(), 0);
  device.synchronize();
}

// Where memory runs out while the index is rebuilt, rows are not lost.
TEST(DeviceTables, ATableThatCouldNotGrowGrowsLater) {
  const auto world = dist::make_single_world();
  Twins twins(*world, {{.name = "a", .dim = 1, .optimizer = {.kind = Kind::kSgd}}});
  std::vector<int64_t> keys(100);
  std::iota(keys.begin(), keys.end(), 0);
  TestBatch batch;
  batch.features.push_back({.table = 0, .stride = 1, .keys = keys, .index = {}});
  twins.look_up(batch, embedding::LookupMode::kTrain);
  TestBatch larger = batch;
  larger.features[0].keys.resize(400);
  std::iota(larger.features[0].keys.begin(), larger.features[0].keys.end(), 50);
  twins.deduplicator.run(larger.blocks(), twins.unique);
  twins.device.limit_memory(twins.device.use().bytes() + 30200);
  const std::string message =
      message_of<DeviceError>([&] { twins.device_lookup.lookup(twins.unique, embedding::LookupMode::kTrain); });
  EXPECT_NE(message.find("out of memory: wanted 0.0 MiB for the table a, "), std::string::npos) << message;
  EXPECT_LT(twins.device_tables.memory_bytes(), 2 * embedding::kChunkRows * 20 + 64);  // two chunks, no index
  twins.device.limit_memory(int64_t{1} << 30);
  twins.look_up(batch, embedding::LookupMode::kEval);
  twins.look_up(larger, embedding::LookupMode::kTrain);
  twins.compare();
}

}  // namespace
}  // namespace polyscene::testing
