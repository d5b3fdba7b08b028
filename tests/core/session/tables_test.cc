// The tables of a model: what the configuration says of each, and where they are made.
#include "core/session/tables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "dist/world.h"
#include "embedding/device/device_lookup.h"
#include "embedding/exchange/sharded_lookup.h"
#include "embedding/exchange/staged_lookup.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

using Kind = embedding::SparseOptimizer::Kind;

class TablesTest : public ::testing::Test {
 protected:
  TablesTest() {
    model_.tables = {{.name = "user", .dim = 3, .init_stddev = 0.5}, {.name = "item", .dim = 2, .init_stddev = 0.25}};
    embedding().mutable_optimizer()->set_kind(config::SparseOptimizer::ADAGRAD);
    embedding().mutable_optimizer()->set_learning_rate(0.25);
    embedding().mutable_optimizer()->set_initial_accumulator(0.5);
    embedding().set_partitions(4);
  }
  config::Embedding& embedding() { return *experiment_.mutable_embedding(); }
  config::Table& table(const std::string& name) {
    config::Table& t = *embedding().add_table();
    t.set_name(name);
    return t;
  }
  [[nodiscard]] std::vector<embedding::TableSpec> specs(bool training = true) const {
    return table_specs(model_, experiment_.embedding(), training);
  }
  core::TablesAndLookup make(bool training = true) { return make_host_tables(experiment_, model_, training, *world_); }
  core::TablesAndLookup make_for(Device& device) {
    return make_device_tables(experiment_, model_, true, {.host = *world_, .device = *world_}, device);
  }
  // The initial values of three new rows of the table "user".
  std::array<float, 9> new_rows() {
    const core::TablesAndLookup made = make();
    const std::array<int64_t, 3> keys = {5, -7, 11};
    std::array<int32_t, 3> index{};
    embedding::UniqueKeys unique;
    embedding::Deduplicator(made.tables->layout())
        .run(std::array{embedding::KeyBlock{.table = 0, .keys = keys, .index = index}}, unique);
    made.lookup->lookup(unique, embedding::LookupMode::kTrain);
    std::array<float, 9> values{};
    std::ranges::copy(made.lookup->rows(0).elements<const float>(), values.begin());
    return values;
  }

  core::Model model_;
  config::Experiment experiment_;
  std::unique_ptr<dist::Communicator> world_ = dist::make_single_world();
};

TEST_F(TablesTest, AreThoseOfTheModelInItsOrder) {
  table("item").set_max_rows(100);
  const embedding::SparseOptimizer optimizer{.kind = Kind::kAdagrad, .learning_rate = 0.25, .initial_accumulator = 0.5};
  EXPECT_EQ(specs(), (std::vector<embedding::TableSpec>{
                         {.name = "user", .dim = 3, .init_stddev = 0.5, .optimizer = optimizer},
                         {.name = "item", .dim = 2, .init_stddev = 0.25, .optimizer = optimizer, .max_rows = 100}}));
}

TEST_F(TablesTest, ATablesOwnOptimizerReplacesThatOfAll) {
  table("user").mutable_optimizer()->set_kind(config::SparseOptimizer::ROW_WISE_ADAGRAD);
  const std::vector<embedding::TableSpec> all = specs();
  EXPECT_EQ(all[0].optimizer, (embedding::SparseOptimizer{.kind = Kind::kRowWiseAdagrad}))
      << "with the defaults of the rest";
  EXPECT_EQ(all[1].optimizer.kind, Kind::kAdagrad);
}

TEST_F(TablesTest, WithoutTrainingTheyHaveNoState) {
  table("user").mutable_optimizer()->set_kind(config::SparseOptimizer::LAZY_ADAM);
  const std::vector<embedding::TableSpec> trained = specs(), scored = specs(false);
  EXPECT_EQ(trained[0].row_bytes(), 16 + 4 * (3 + 2 * 3)) << "two moments for each value";
  EXPECT_EQ(trained[1].row_bytes(), 16 + 4 * (2 + 2)) << "an accumulator for each value";
  EXPECT_EQ(scored[0].row_bytes(), 16 + 4 * 3);
  EXPECT_EQ(scored[1].row_bytes(), 16 + 4 * 2);
  EXPECT_EQ(make(false).tables->spec(0), scored[0]);
  EXPECT_EQ(make().tables->spec(0), trained[0]);
}

TEST_F(TablesTest, HaveAPartitionForEachRank) {
  embedding().set_partitions(1);
  const auto two_ranks = [&] {
    dist::run_local_ranks(2,
                          [&](dist::Communicator& world) { (void)make_host_tables(experiment_, model_, true, world); });
  };
  EXPECT_EQ(message_of(two_ranks),
            "[config] embedding.partitions wants at least 1 for each of 2 ranks, got 1; try a larger "
            "embedding.partitions");
}

TEST_F(TablesTest, AreOnTheDeviceOrBesideItOrOnTheHost) {
  const core::TablesAndLookup host = make();
  EXPECT_NE(dynamic_cast<embedding::ShardedTables*>(host.tables.get()), nullptr);
  EXPECT_NE(dynamic_cast<embedding::ShardedLookup*>(host.lookup.get()), nullptr);

  EmulatedDevice device;
  embedding().set_memory(config::Embedding::DEVICE);
  const core::TablesAndLookup there = make_for(device);
  EXPECT_NE(dynamic_cast<embedding::DeviceTables*>(there.tables.get()), nullptr);
  EXPECT_NE(dynamic_cast<embedding::DeviceLookup*>(there.lookup.get()), nullptr);

  embedding().set_memory(config::Embedding::HOST);
  const core::TablesAndLookup staged = make_for(device);
  EXPECT_NE(dynamic_cast<embedding::ShardedTables*>(staged.tables.get()), nullptr);
  EXPECT_NE(dynamic_cast<embedding::StagedLookup*>(staged.lookup.get()), nullptr);
}

TEST_F(TablesTest, ThePartitionsAreThoseOfTheConfiguration) {
  EXPECT_EQ(make().tables->layout().map().partitions(), 4);
}

// Rows of N(0, 0.5^2) from the experiment's seed: the same each time, others with another seed.
TEST_F(TablesTest, TheSeedGivesTheInitialValues) {
  const auto first = new_rows();
  EXPECT_EQ(new_rows(), first);
  for (const float value : first) EXPECT_LT(std::abs(value), 3.0f);
  EXPECT_TRUE(std::ranges::any_of(first, [](float value) { return std::abs(value) > 0.1f; }));
  experiment_.set_seed(2);
  EXPECT_NE(new_rows(), first);
  experiment_.set_seed(1);
  model_.tables[0].init_stddev = 0;
  EXPECT_EQ(new_rows(), (std::array<float, 9>{}));
}

}  // namespace
}  // namespace polyscene::testing
