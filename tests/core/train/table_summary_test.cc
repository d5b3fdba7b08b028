// What a summary says of tables, over all ranks, and how it says it.
#include "core/train/table_summary.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>

#include "dist/world.h"
#include "tests/core/models/model_harness.h"
#include "tests/core/session/random_batch.h"
#include "tests/support/rank.h"

namespace polyscene::testing {
namespace {

constexpr int64_t kRows = 10;

class TableSummaryTest : public ::testing::Test {
 protected:
  TableSummaryTest() { experiment_.mutable_embedding()->set_partitions(8); }

  // Two steps, every rank with the same ids.
  void train(core::Session& session) const {
    for (const uint64_t step : {1, 2}) session.train_step(random_batch(schema_, kRows, step), kRows, 1);
  }

  // Of one rank's two steps, counted from the batches.
  struct Ids {
    int64_t uses = 0, distinct = 0;  // of a step, added over both
    std::vector<int64_t> of_tables;  // distinct, of both together
  };
  [[nodiscard]] Ids count_ids(const core::Model& model) const {
    Ids ids;
    std::vector<std::set<int64_t>> all(model.tables.size());
    for (const uint64_t step : {1, 2}) {
      const core::Batch batch = random_batch(schema_, kRows, step);
      std::set<std::pair<int, int64_t>> here;
      for (const core::FieldsInput& input : model.fields)
        for (size_t f = 0; f < input.fields.size(); ++f)
          for (const int64_t key : batch.fields[static_cast<size_t>(input.fields[f])]) {
            here.emplace(input.tables[f], key);
            ++ids.uses;
          }
      for (const core::SequenceInput& input : model.sequences) {
        const core::SequenceBatch& sequence = batch.sequences[static_cast<size_t>(input.sequence)];
        std::set<std::pair<int64_t, int64_t>> behaviours;  // equal ones are one, before ids are looked at
        for (size_t i = 0; i < sequence.sides[0].size(); ++i)
          behaviours.emplace(sequence.sides[0][i], sequence.sides[1][i]);
        for (const auto& [item, category] : behaviours) {
          here.emplace(input.tables[0], item);
          here.emplace(input.tables[1], category);
          ids.uses += 2;
        }
      }
      ids.distinct += static_cast<int64_t>(here.size());
      for (const auto& [table, key] : here) all[static_cast<size_t>(table)].insert(key);
    }
    for (const std::set<int64_t>& keys : all) ids.of_tables.push_back(static_cast<int64_t>(keys.size()));
    return ids;
  }

  config::Experiment experiment_ = tiny_experiment();
  core::FeatureSchema schema_ = core::FeatureSchema::from(experiment_.data());
};

TEST_F(TableSummaryTest, CountsAreThoseOfAllRanks) {
  for (const int ranks : {1, 2, 3})
    dist::run_local_ranks(ranks, [&](dist::Communicator& communicator) {
      core::Session session(experiment_, schema_, on_host(communicator));
      train(session);
      const Ids want = count_ids(session.model());
      const core::TableSummary got = summarize_tables(session);
      EXPECT_EQ(got.rows, want.of_tables) << ranks << " ranks";
      EXPECT_EQ(got.keys_in, ranks * want.uses);
      EXPECT_EQ(got.keys_sent, ranks * want.distinct);
      EXPECT_EQ(got.keys_owned, want.distinct) << "the same ids on all ranks are one row";
      EXPECT_EQ(got.rows_evicted, 0);
      std::vector<int64_t> memory = {session.tables().memory_bytes()};
      communicator.all_reduce<int64_t>(memory);
      EXPECT_EQ(got.memory_bytes, memory[0]);
    });
}

TEST_F(TableSummaryTest, RowsThatABoundGivesUpAreCounted) {
  config::Table& table = *experiment_.mutable_embedding()->add_table();
  table.set_name("user");
  table.set_max_rows(256);
  dist::run_local_ranks(2, [&](dist::Communicator& communicator) {
    core::Session session(experiment_, schema_, on_host(communicator));
    for (int64_t step = 0; step < 40; ++step) {
      core::Batch batch = random_batch(schema_, kRows, 1);
      for (size_t row = 0; row < batch.fields[0].size(); ++row)
        batch.fields[0][row] = (step * 2 + communicator.rank()) * kRows + static_cast<int64_t>(row);
      session.train_step(batch, 2 * kRows, 1);
    }
    const core::TableSummary got = summarize_tables(session);
    int user = 0;
    while (session.tables().spec(user).name != "user") ++user;
    const int64_t held = got.rows[static_cast<size_t>(user)];
    EXPECT_LE(held, 256);
    EXPECT_EQ(got.rows_evicted, 800 - held) << "of 800 users that came once";
    const std::string want =
        str("\nbounded tables: user holds ", held, " of 256 rows; rows evicted ", got.rows_evicted, "\n");
    EXPECT_TRUE(describe(got, session).ends_with(want)) << describe(got, session);
  });
}

class PrintedTables : public TableSummaryTest {
 protected:
  void add_bound(const std::string& table, int64_t max_rows) {
    config::Table& bounded = *experiment_.mutable_embedding()->add_table();
    bounded.set_name(table);
    bounded.set_max_rows(max_rows);
  }
  [[nodiscard]] std::string described(const core::TableSummary& summary) {
    core::Session session(experiment_, schema_, on_host(*world_));
    dense_ = session.parameters().size();
    return describe(summary, session);
  }

  std::unique_ptr<dist::Communicator> world_ = dist::make_single_world();
  int64_t dense_ = 0;
};

TEST_F(PrintedTables, SayRowsMemoryAndHowOftenAnIdIsUsed) {
  const std::string got = described(
      {.rows = {5, 7, 8, 0}, .memory_bytes = 3 * 1048576 / 2, .keys_in = 1000, .keys_sent = 400, .keys_owned = 100});
  EXPECT_EQ(got, str("tables: 4 with 20 rows, 1.5 MiB; dense parameters: ", dense_,
                     "\nrepeated ids are looked up once: 2.5 uses per id that a rank sends, 10.0 per row read\n"));
  EXPECT_GT(dense_, 0);
}

TEST_F(PrintedTables, OfARunWithoutAStepAreZeros) {
  const std::string got = described({.rows = {0, 0, 0, 0}});
  EXPECT_EQ(got, str("tables: 4 with 0 rows, 0.0 MiB; dense parameters: ", dense_,
                     "\nrepeated ids are looked up once: 0.0 uses per id that a rank sends, 0.0 per row read\n"));
}

// 300 rows over 8 partitions are 37 each: what fits of that is one bucket of 32.
TEST_F(PrintedTables, ABoundIsTheNumberOfRowsThatFitBelowIt) {
  add_bound("user", 300);
  add_bound("item", 1024);
  core::Session session(experiment_, schema_, on_host(*world_));
  std::vector<int64_t> rows(static_cast<size_t>(session.tables().tables()));
  std::map<std::string, int64_t> full = {{"user", 250}, {"item", 1000}};
  std::string list;
  for (int t = 0; t < session.tables().tables(); ++t) {
    const std::string& name = session.tables().spec(t).name;
    if (!full.contains(name)) continue;
    rows[static_cast<size_t>(t)] = full[name];
    list +=
        str(list.empty() ? "" : ", ", name, " holds ", full[name], name == "user" ? " of 256 rows" : " of 1024 rows");
  }
  const std::string got = describe({.rows = rows, .rows_evicted = 77}, session);
  EXPECT_TRUE(got.ends_with("\nbounded tables: " + list + "; rows evicted 77\n")) << got;
  EXPECT_NE(list.find(", "), std::string::npos);
}

}  // namespace
}  // namespace polyscene::testing
