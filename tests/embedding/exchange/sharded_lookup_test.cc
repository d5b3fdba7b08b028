#include "embedding/exchange/sharded_lookup.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include "dist/world.h"
#include "ops/base/thread.h"
#include "tests/embedding/message_of.h"
#include "tests/embedding/random_batch.h"
#include "tests/embedding/reference_tables.h"

namespace polyscene::embedding {
namespace {

using Kind = SparseOptimizer::Kind;
using testing::exact_gradient;
using testing::message_of;
using testing::random_batch;
using testing::ReferenceTables;
using testing::TestBatch;

constexpr uint64_t kSeed = 42;

// Every optimiser, three dims, and tables of one dim with different optimisers.
std::vector<TableSpec> all_kinds() {
  return {
      {.name = "adam", .dim = 4, .optimizer = {.kind = Kind::kLazyAdam, .learning_rate = 0.01}},
      {.name = "adagrad", .dim = 8, .init_stddev = 0.5, .optimizer = {.kind = Kind::kAdagrad, .learning_rate = 0.1}},
      {.name = "row_wise", .dim = 4, .optimizer = {.kind = Kind::kRowWiseAdagrad, .weight_decay = 0.01}},
      {.name = "sgd", .dim = 1, .optimizer = {.kind = Kind::kSgd, .learning_rate = 0.5}},
      {.name = "adam_decay", .dim = 8, .optimizer = {.kind = Kind::kLazyAdam, .beta1 = 0.5, .weight_decay = 0.1}},
  };
}

std::vector<Tensor> zero_gradients(const ShardedLookup& lookup, const TableLayout& layout) {
  std::vector<Tensor> gradients;
  for (int g = 0; g < layout.groups(); ++g) gradients.emplace_back(DType::kFloat32, lookup.rows(g).shape);
  return gradients;
}

std::vector<TensorView> views(const std::vector<Tensor>& tensors) {
  std::vector<TensorView> result;
  for (const Tensor& t : tensors) result.push_back(t.view());
  return result;
}

// Calls body(feature, key, i, row data of the key) for every key of the batch. matrices: per group [rows, dim].
template <class Body>
void for_each_key(const TableLayout& layout, const TestBatch& batch, const std::vector<TensorView>& matrices,
                  Body&& body) {
  for (size_t f = 0; f < batch.features.size(); ++f) {
    const TestBatch::Feature& feature = batch.features[f];
    const int group = layout.group_of(feature.table);
    for (size_t i = 0; i < feature.keys.size(); ++i) {
      float* row = matrices[static_cast<size_t>(group)].as<float>() + batch.row(f, i) * layout.dim(group);
      body(feature.table, feature.keys[i], row);
    }
  }
}

// What all ranks together would do to the reference in one step.
ReferenceTables::Gradients global_gradients(const std::vector<TableSpec>& specs, int64_t step, int ranks) {
  ReferenceTables::Gradients gradients(specs.size());
  for (int rank = 0; rank < ranks; ++rank) {
    for (const auto& feature : random_batch(static_cast<int>(specs.size()), step, rank).features) {
      const auto dim = static_cast<size_t>(specs[static_cast<size_t>(feature.table)].dim);
      for (const int64_t key : feature.keys) {
        std::vector<double>& g = gradients[static_cast<size_t>(feature.table)].try_emplace(key, dim).first->second;
        for (size_t e = 0; e < dim; ++e) g[e] += exact_gradient(feature.table, key, step, static_cast<int64_t>(e));
      }
    }
  }
  return gradients;
}

// One rank's objects for a step.
struct Trainer {
  ShardedTables tables;
  Deduplicator deduplicator;
  ShardedLookup lookup;
  UniqueKeys unique;

  explicit Trainer(dist::Communicator& comm, std::vector<TableSpec> specs = all_kinds())
      : tables(comm, std::move(specs), {.seed = kSeed}), deduplicator(tables.layout()), lookup(tables) {}

  void look_up(TestBatch& batch, LookupMode mode) {
    deduplicator.run(batch.blocks(), unique);
    lookup.lookup(unique, mode);
  }
  [[nodiscard]] std::vector<TensorView> rows() const {
    std::vector<TensorView> result;
    for (int g = 0; g < tables.layout().groups(); ++g) result.push_back(lookup.rows(g));
    return result;
  }
  // scale(rank, table, key): of the occurrence's gradient.
  void update(const TestBatch& batch, int64_t step, double factor, float scale = 1) {
    const std::vector<Tensor> gradients = zero_gradients(lookup, tables.layout());
    for_each_key(tables.layout(), batch, views(gradients), [&](int table, int64_t key, float* g) {
      const int64_t dim = tables.table(table).spec().dim;
      for (int64_t e = 0; e < dim; ++e) g[e] += scale * exact_gradient(table, key, step, e);
    });
    lookup.update(views(gradients), factor);
  }
};

class AnyRanks : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, AnyRanks, ::testing::Values(1, 2, 3, 4));

TEST_P(AnyRanks, TrainsAsTheSerialReferenceDoes) {
  dist::run_local_ranks(GetParam(), [&](dist::Communicator& comm) {
    Trainer trainer(comm);
    ReferenceTables reference(all_kinds(), kSeed);
    const int tables = trainer.tables.tables();
    for (int64_t step = 0; step < 30; ++step) {
      TestBatch batch = random_batch(tables, step, comm.rank());
      trainer.look_up(batch, LookupMode::kTrain);
      for_each_key(trainer.tables.layout(), batch, trainer.rows(), [&](int table, int64_t key, const float* row) {
        const std::vector<double>& expected = reference.train_row(table, key).values;
        for (size_t e = 0; e < expected.size(); ++e) {
          ASSERT_NEAR(row[e], expected[e], 2e-5 * (1 + std::abs(expected[e])))
              << "step " << step << " table " << table << " key " << key;
        }
      });
      const double factor = 1.0 / static_cast<double>(step + 1);
      trainer.update(batch, step, factor);
      reference.update(global_gradients(all_kinds(), step, comm.size()), factor);
    }
    EXPECT_EQ(trainer.tables.update_steps(), 30);
    const std::vector<int64_t> rows = trainer.tables.global_rows();
    for (int t = 0; t < tables; ++t)
      EXPECT_EQ(rows[static_cast<size_t>(t)], static_cast<int64_t>(reference.table(t).size()));
  });
}

TEST_P(AnyRanks, NewRowsHaveTheirInitialValueBitwise) {
  dist::run_local_ranks(GetParam(), [&](dist::Communicator& comm) {
    Trainer trainer(comm);
    ReferenceTables reference(all_kinds(), kSeed);
    TestBatch batch = random_batch(trainer.tables.tables(), 0, comm.rank());
    trainer.look_up(batch, LookupMode::kTrain);
    for_each_key(trainer.tables.layout(), batch, trainer.rows(), [&](int table, int64_t key, const float* row) {
      const std::vector<double>& expected = reference.train_row(table, key).values;
      for (size_t e = 0; e < expected.size(); ++e) ASSERT_EQ(static_cast<double>(row[e]), expected[e]);
    });
  });
}

TEST_P(AnyRanks, EvaluationReadsZerosForUnseenKeysAndCreatesNothing) {
  dist::run_local_ranks(GetParam(), [&](dist::Communicator& comm) {
    Trainer trainer(comm);
    ReferenceTables reference(all_kinds(), kSeed);
    const int tables = trainer.tables.tables();
    TestBatch seen = random_batch(tables, 0, comm.rank());
    trainer.look_up(seen, LookupMode::kTrain);
    for (int rank = 0; rank < comm.size(); ++rank) {
      for (const auto& feature : random_batch(tables, 0, rank).features) {
        for (const int64_t key : feature.keys) reference.train_row(feature.table, key);
      }
    }
    const std::vector<int64_t> before = trainer.tables.global_rows();
    TestBatch batch = random_batch(tables, 1, comm.rank());
    trainer.look_up(batch, LookupMode::kEval);
    for_each_key(trainer.tables.layout(), batch, trainer.rows(), [&](int table, int64_t key, const float* row) {
      const std::vector<double> expected = reference.eval_row(table, key);
      for (size_t e = 0; e < expected.size(); ++e) ASSERT_EQ(static_cast<double>(row[e]), expected[e]) << key;
    });
    EXPECT_EQ(trainer.tables.global_rows(), before);
    EXPECT_EQ(trainer.lookup.last().rows_created, 0);
  });
}

// All rows of all ranks after some steps, by table and key.
using Rows = std::map<std::pair<int, int64_t>, std::vector<float>>;

Rows train_inexactly(int ranks, int threads) {
  Rows rows;
  std::mutex mutex;
  dist::run_local_ranks(ranks, [&](dist::Communicator& comm) {
    set_thread_count(threads);
    Trainer trainer(comm);
    for (int64_t step = 0; step < 10; ++step) {
      // The same global batch for any number of ranks: four slices, dealt out.
      TestBatch batch;
      for (int slice = comm.rank(); slice < 4; slice += comm.size()) {
        for (auto& feature : random_batch(5, step, slice, 400).features) batch.features.push_back(std::move(feature));
      }
      trainer.look_up(batch, LookupMode::kTrain);
      trainer.update(batch, step, 1, 0.1f);  // tenths: sums depend on their order
    }
    set_thread_count(1);
    const std::lock_guard lock(mutex);
    for (int t = 0; t < 5; ++t) {
      const HashedTable& table = trainer.tables.table(t);
      for (int32_t r = 0; r < table.rows(); ++r) {
        std::vector<float>& row = rows[{t, table.key(r)}];
        ASSERT_TRUE(row.empty()) << "key " << table.key(r) << " lives on two ranks";
        row.assign(table.values(r), table.values(r) + table.spec().dim);
        row.insert(row.end(), table.state(r), table.state(r) + table.state_width());
      }
    }
  });
  return rows;
}

TEST_P(AnyRanks, RunsAreBitwiseEqualWhateverTheThreads) {
  const Rows once = train_inexactly(GetParam(), 1);
  EXPECT_EQ(train_inexactly(GetParam(), 1), once);
  EXPECT_EQ(train_inexactly(GetParam(), 3), once);
}

TEST_P(AnyRanks, RowsAgreeWithThoseOfOneRank) {
  const Rows one = train_inexactly(1, 1), many = train_inexactly(GetParam(), 1);
  ASSERT_EQ(one.size(), many.size());
  for (const auto& [key, row] : one) {
    const std::vector<float>& other = many.at(key);
    for (size_t e = 0; e < row.size(); ++e) ASSERT_NEAR(row[e], other[e], 1e-5 * (1 + std::abs(row[e])));
  }
}

TEST_P(AnyRanks, SavedRowsLoadIntoAnyNumberOfRanks) {
  const TableSpec spec{.name = "t", .dim = 2, .optimizer = {.kind = Kind::kAdagrad}};
  std::vector<int64_t> keys(500);
  std::vector<float> values(1000), state(1000);
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<int64_t>(mix64(i));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i), state[i] = -values[i];
  dist::run_local_ranks(GetParam(), [&](dist::Communicator& comm) {
    ShardedTables tables(comm, {spec}, {.seed = kSeed});
    const int64_t kept = tables.load_rows(0, {keys, values, state}).kept;
    EXPECT_EQ(kept, tables.table(0).rows());
    EXPECT_EQ(tables.global_rows()[0], 500);
    for (int32_t r = 0; r < kept; ++r) {
      const auto i = static_cast<size_t>(std::ranges::find(keys, tables.table(0).key(r)) - keys.begin());
      EXPECT_EQ(tables.table(0).values(r)[1], values[2 * i + 1]);
      EXPECT_EQ(tables.table(0).state(r)[0], state[2 * i]);
    }
  });
}

TEST_P(AnyRanks, ANonFiniteGradientIsNamed) {
  const int ranks = GetParam();
  const auto train_with_nan = [&](dist::Communicator& comm) {
    Trainer trainer(comm, {{.name = "other", .dim = 2}, {.name = "item", .dim = 2}});
    TestBatch batch;
    batch.features.push_back({.table = 1, .stride = 1, .keys = {5, 17, 4}, .index = {}});
    trainer.look_up(batch, LookupMode::kTrain);
    const std::vector<Tensor> gradients = zero_gradients(trainer.lookup, trainer.tables.layout());
    const auto elements = gradients[0].elements<float>();
    std::ranges::fill(elements, 1.0f);
    if (comm.rank() == comm.size() - 1) {
      elements[static_cast<size_t>(batch.row(0, 1)) * 2 + 1] = std::numeric_limits<float>::quiet_NaN();
    }
    trainer.lookup.update(views(gradients));
  };
  const std::string message = message_of<Error>([&] { dist::run_local_ranks(ranks, train_with_nan); });
  EXPECT_EQ(message,
            "[embedding.update] wanted finite gradients, got nan in element 1 of key 17 of table \"item\" "
            "(summed over ranks); try a smaller learning rate, or check every operator's output");
}

TEST(ShardedLookup, ANonFiniteGradientChangesNoRow) {
  const auto world = dist::make_single_world();
  Trainer trainer(*world, {{.name = "item", .dim = 2}});
  TestBatch batch;
  batch.features.push_back({.table = 0, .stride = 1, .keys = std::vector<int64_t>(2000), .index = {}});
  std::iota(batch.features[0].keys.begin(), batch.features[0].keys.end(), 0);
  trainer.look_up(batch, LookupMode::kTrain);
  const auto contents = [&] {
    HashedTable& table = trainer.tables.table(0);
    std::vector<float> all;
    for (int32_t r = 0; r < table.rows(); ++r) {
      all.insert(all.end(), table.values(r), table.values(r) + 2);
      all.insert(all.end(), table.state(r), table.state(r) + table.state_width());
    }
    return all;
  };
  const std::vector<float> before = contents();
  const std::vector<Tensor> gradients = zero_gradients(trainer.lookup, trainer.tables.layout());
  std::ranges::fill(gradients[0].elements<float>(), 1.0f);
  gradients[0].elements<float>()[3999] = std::numeric_limits<float>::infinity();
  gradients[0].elements<float>()[2999] = -std::numeric_limits<float>::infinity();
  const std::string message = message_of<Error>([&] { trainer.lookup.update(views(gradients)); });
  EXPECT_NE(message.find("got -inf in element 1 of key 1499 of table \"item\""), std::string::npos) << message;
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(trainer.tables.update_steps(), 0);
}

TEST_P(AnyRanks, TheNextBatchIsDeduplicatedWhileThisOneTrains) {
  const auto train = [&](bool ahead) {
    std::vector<float> seen;
    std::mutex mutex;
    dist::run_local_ranks(GetParam(), [&](dist::Communicator& comm) {
      Trainer trainer(comm);
      std::array<UniqueKeys, 2> unique;
      std::array<TestBatch, 2> batches;
      const auto prepare = [&](int64_t step) {
        const auto slot = static_cast<size_t>(step % 2);
        batches[slot] = random_batch(trainer.tables.tables(), step, comm.rank(), 300);
        trainer.deduplicator.run(batches[slot].blocks(), unique[slot]);
      };
      prepare(0);
      for (int64_t step = 0; step < 8; ++step) {
        std::thread next;
        if (ahead) next = std::thread([&] { prepare(step + 1); });
        const auto slot = static_cast<size_t>(step % 2);
        trainer.lookup.lookup(unique[slot], LookupMode::kTrain);
        trainer.update(batches[slot], step, 1);
        ahead ? next.join() : prepare(step + 1);
      }
      const std::lock_guard lock(mutex);
      if (comm.rank() != 0) return;
      const std::span<const float> rows = trainer.lookup.rows(0).elements<const float>();
      seen.assign(rows.begin(), rows.end());
    });
    return seen;
  };
  EXPECT_EQ(train(true), train(false));
}

TEST_P(AnyRanks, CountsWhatItDid) {
  dist::run_local_ranks(GetParam(), [&](dist::Communicator& comm) {
    Trainer trainer(comm, {{.name = "item", .dim = 4}});
    TestBatch batch;
    batch.features.push_back({.table = 0, .stride = 1, .keys = {1, 2, 3, 4, 5, 6, 7, 8, 1, 1}, .index = {}});
    trainer.look_up(batch, LookupMode::kTrain);
    const int64_t own = std::ranges::count_if(std::vector{1, 2, 3, 4, 5, 6, 7, 8}, [&](int64_t key) {
      return trainer.tables.layout().owner(0, key) == comm.rank();
    });
    LookupStatistics s = trainer.lookup.last();
    EXPECT_EQ(s.steps, 1);
    EXPECT_EQ(s.keys_in, 10);
    EXPECT_EQ(s.keys_sent, 8);
    EXPECT_EQ(s.keys_received, own * comm.size());
    EXPECT_EQ(s.keys_owned, own);
    EXPECT_EQ(s.rows_created, own);
    const int64_t others = comm.size() - 1;
    const int64_t lookup_bytes = 8 * others + 8 * (8 - own) + 16 * own * others;
    EXPECT_EQ(s.bytes_sent, lookup_bytes);
    trainer.update(batch, 0, 1);
    EXPECT_EQ(trainer.lookup.last().bytes_sent, lookup_bytes + 16 * (8 - own));

    trainer.look_up(batch, LookupMode::kEval);
    EXPECT_EQ(trainer.lookup.last().rows_created, 0);
    EXPECT_EQ(trainer.lookup.last().bytes_sent, lookup_bytes);
    s = trainer.lookup.total();
    EXPECT_EQ(s.steps, 2);
    EXPECT_EQ(s.keys_in, 20);
    EXPECT_EQ(s.bytes_sent, 2 * lookup_bytes + 16 * (8 - own));
  });
}

TEST(ShardedLookup, SaysWhatIsWrong) {
  const auto world = dist::make_single_world();
  Trainer trainer(*world, {{.name = "a", .dim = 4}, {.name = "b", .dim = 2}});
  const auto message = [&](const std::vector<TensorView>& gradients) {
    return message_of([&] { trainer.lookup.update(gradients); });
  };
  EXPECT_EQ(message_of([&] { static_cast<void>(trainer.lookup.rows(0)); }),
            "[embedding.lookup] wanted a lookup before its rows, got none");
  EXPECT_EQ(message({}), "[embedding.update] wanted a lookup in LookupMode::kTrain before the update, got none");
  EXPECT_EQ(
      message_of([&] { trainer.lookup.lookup(UniqueKeys{}, LookupMode::kTrain); }),
      "[embedding.lookup] wanted keys deduplicated for 2 tables on 1 ranks, got counts of 0 parts instead of 2; try "
      "a Deduplicator of the tables' layout");
  TestBatch batch;
  batch.features.push_back({.table = 0, .stride = 1, .keys = {1, 2, 3}, .index = {}});
  trainer.look_up(batch, LookupMode::kEval);
  EXPECT_EQ(message({}),
            "[embedding.update] wanted a lookup in LookupMode::kTrain before the update, got one in LookupMode::kEval");
  trainer.look_up(batch, LookupMode::kTrain);
  EXPECT_EQ(message({}), "[embedding.update] wanted gradients of 2 groups, got 0");
  const Tensor right(DType::kFloat32, {3, 4}), wrong(DType::kFloat32, {3, 2}), none(DType::kFloat32, {0, 2}),
      doubles(DType::kFloat64, {3, 4});
  EXPECT_EQ(message({wrong.view(), none.view()}),
            "[embedding.update] wanted float32 gradients [3, 4] for group 0, got float32 [3, 2]");
  EXPECT_EQ(message({doubles.view(), none.view()}),
            "[embedding.update] wanted float32 gradients [3, 4] for group 0, got float64 [3, 4]");
  EXPECT_EQ(message({right.view(), none.view()}), "nothing thrown");
}

TEST(ShardedTables, ReportsMemoryOfAllTables) {
  const auto world = dist::make_single_world();
  ShardedTables tables(*world, {{.name = "a", .dim = 4}, {.name = "b", .dim = 2}}, {});
  EXPECT_EQ(tables.memory_bytes(), 0);
  tables.load_rows(0, {std::vector<int64_t>{1}, std::vector<float>(4)});
  EXPECT_EQ(tables.memory_bytes(), tables.table(0).memory_bytes());
  EXPECT_GT(tables.memory_bytes(), tables.table(0).spec().row_bytes());
}

}  // namespace
}  // namespace polyscene::embedding
