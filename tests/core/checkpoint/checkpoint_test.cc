#include "core/checkpoint/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

#include "core/checkpoint/hash_check.h"
#include "core/files/sealed_text.h"
#include "core/session/session.h"
#include "dist/world.h"
#include "tests/core/models/model_harness.h"
#include "tests/core/session/random_batch.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/rank.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::testing {
namespace {

namespace fs = std::filesystem;
constexpr const char* kData = "1 files, 2 bytes, 3";
const core::BestSoFar kBest{
    .metric = "AUC", .value = 0.5, .step = 1, .misses = 2, .model = "step-0000000001", .valid = "1 files, 4 bytes, 5"};
constexpr int64_t kRows = 48;  // of a global batch

// All of a table's rows on all ranks: values, state and use by key.
using AllRows = std::map<std::pair<std::string, int64_t>, std::pair<std::vector<float>, embedding::AccessStatistics>>;

class Checkpoints : public FolderTest {
 protected:
  Checkpoints() : schema_(core::FeatureSchema::from(experiment_.data())) {
    experiment_.mutable_embedding()->set_partitions(8);
    experiment_.mutable_train()->mutable_checkpoint()->set_every_steps(1);
  }

  // A rank's part of global batch `number`.
  [[nodiscard]] core::Batch part(const dist::Communicator& c, int64_t number) const {
    const int64_t rows = kRows / c.size();
    core::Batch batch = random_batch(schema_, rows, static_cast<uint64_t>(number * 10 + c.rank()), 40);
    return batch;
  }
  void train(core::Session& session, int64_t from, int64_t to) const {
    for (int64_t s = from; s < to; ++s) session.train_step(part(session.communicator(), s), kRows, 1);
    session.settle();
  }
  void save(core::Session& session, int64_t step) const {
    core::CheckpointSave(core::RunFolder(path("")), experiment_, kData,
                         {.step = step, .trained_steps = step, .best = kBest}, session.state())
        .finish();
  }
  [[nodiscard]] std::string checkpoint(int64_t step) const { return path(str("checkpoints/step-000000000", step)); }

  void add_rows(core::Session& session, AllRows& all) const {
    embedding::RowTables& tables = session.tables();
    for (int t = 0; t < tables.tables(); ++t) {
      const auto n = static_cast<size_t>(tables.rows(t));
      const embedding::TableSpec& spec = tables.spec(t);
      const auto dim = static_cast<size_t>(spec.dim), width = static_cast<size_t>(spec.optimizer.state_width(spec.dim));
      embedding::SavedRows rows{.keys = std::vector<int64_t>(n),
                                .values = std::vector<float>(n * dim),
                                .state = std::vector<float>(n * width),
                                .accesses = std::vector<embedding::AccessStatistics>(n)};
      tables.read_rows(t, {rows.keys, rows.values, rows.state, rows.accesses});
      const std::lock_guard lock(mutex_);
      for (size_t i = 0; i < n; ++i) {
        std::vector<float> row(rows.values.begin() + static_cast<std::ptrdiff_t>(i * dim),
                               rows.values.begin() + static_cast<std::ptrdiff_t>((i + 1) * dim));
        row.insert(row.end(), rows.state.begin() + static_cast<std::ptrdiff_t>(i * width),
                   rows.state.begin() + static_cast<std::ptrdiff_t>((i + 1) * width));
        EXPECT_TRUE(all.emplace(std::pair(spec.name, rows.keys[i]), std::pair(row, rows.accesses[i])).second)
            << "a row on two ranks";
      }
    }
  }
  [[nodiscard]] static std::vector<float> dense_of(core::Session& session) {
    const Tensor values = session.parameters().host_values();
    std::vector<float> all(values.elements<const float>().begin(), values.elements<const float>().end());
    for (const auto& [name, state] : session.dense_update().state().values)
      all.insert(all.end(), state.elements<const float>().begin(), state.elements<const float>().end());
    return all;
  }
  // Trains two steps on one rank and saves.
  void save_one() const {
    const auto world = dist::make_single_world();
    core::Session session(experiment_, schema_, on_host(*world));
    train(session, 0, 2);
    save(session, 2);
  }
  [[nodiscard]] std::string error_of_load(const std::string& data = kData) const {
    return error_of<Error>([&] {
      const auto world = dist::make_single_world();
      core::Session session(experiment_, schema_, on_host(*world));
      static_cast<void>(load_checkpoint(checkpoint(2), data, session.state()));
    });
  }

  config::Experiment experiment_ = tiny_experiment();
  core::FeatureSchema schema_;
  mutable std::mutex mutex_;
};

class EveryOptimizer : public Checkpoints, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Kinds, EveryOptimizer, ::testing::Values(0, 1, 2, 3));

// Saved on a ranks, loaded on b: every row with state and use, every parameter with state.
TEST_P(EveryOptimizer, LoadsOnAnyNumberOfRanksWhatAnyNumberSaved) {
  experiment_.mutable_embedding()->mutable_optimizer()->set_kind(
      static_cast<config::SparseOptimizer::Kind>(GetParam()));
  experiment_.mutable_train()->mutable_optimizer()->set_kind(static_cast<config::DenseOptimizer::Kind>(GetParam()));
  for (const int a : {1, 2, 3, 4}) {
    AllRows saved;
    std::vector<float> dense;
    dist::run_local_ranks(a, [&](dist::Communicator& communicator) {
      core::Session session(experiment_, schema_, on_host(communicator));
      train(session, 0, 3);
      save(session, a);
      add_rows(session, saved);
      if (communicator.rank() == 0) dense = dense_of(session);
    });
    for (const int b : {1, 2, 3, 4}) {
      AllRows loaded;
      dist::run_local_ranks(b, [&](dist::Communicator& communicator) {
        core::Session session(experiment_, schema_, on_host(communicator));
        const core::TrainPosition position = load_checkpoint(checkpoint(a), kData, session.state());
        EXPECT_EQ(position, (core::TrainPosition{.step = a, .trained_steps = a, .best = kBest}));
        EXPECT_EQ(session.tables().update_steps(), 3);
        EXPECT_EQ(session.dense_update().state().steps, 3);
        add_rows(session, loaded);
        EXPECT_EQ(dense_of(session), dense);
      });
      EXPECT_EQ(loaded, saved) << a << " ranks to " << b;
    }
  }
}

// What is saved is of the step at which saving began, however long it takes: values, state and use of every row too.
TEST_F(Checkpoints, AreOfOneStepWhileTrainingGoesOn) {
  for (const int ranks : {1, 3}) {
    AllRows at_begin, loaded;
    std::vector<float> dense;
    dist::run_local_ranks(ranks, [&](dist::Communicator& communicator) {
      const core::RunFolder run(path(""));
      core::Session session(experiment_, schema_, on_host(communicator));
      train(session, 0, 3);
      add_rows(session, at_begin);
      if (communicator.rank() == 0) dense = dense_of(session);
      core::CheckpointSave save(run, experiment_, kData, {.step = ranks, .trained_steps = ranks}, session.state());
      train(session, 3, 9);
      save.finish();
      EXPECT_TRUE(save.written());
    });
    dist::run_local_ranks(2, [&](dist::Communicator& communicator) {
      core::Session session(experiment_, schema_, on_host(communicator));
      EXPECT_EQ(load_checkpoint(checkpoint(ranks), kData, session.state()).step, ranks);
      EXPECT_EQ(session.tables().update_steps(), 3);
      add_rows(session, loaded);
      EXPECT_EQ(dense_of(session), dense);
    });
    EXPECT_EQ(loaded, at_begin);
  }
}

TEST_F(Checkpoints, ThatAreNotFinishedAreNone) {
  const auto world = dist::make_single_world();
  const core::RunFolder run(path(""));
  core::Session session(experiment_, schema_, on_host(*world));
  train(session, 0, 2);
  save(session, 2);
  { core::CheckpointSave left(run, experiment_, kData, {.step = 4}, session.state()); }
  EXPECT_EQ(core::find_checkpoint(path("")), checkpoint(2));
  save(session, 5);
  EXPECT_FALSE(fs::exists(checkpoint(4) + ".partial"));
}

TEST_F(Checkpoints, TheBestIsKept) {
  experiment_.mutable_train()->mutable_checkpoint()->set_keep_last(1);
  experiment_.mutable_train()->mutable_checkpoint()->set_keep_best(true);
  const auto world = dist::make_single_world();
  const core::RunFolder run(path(""));
  core::Session session(experiment_, schema_, on_host(*world));
  const std::map<int64_t, int64_t> best_at = {{1, 1}, {2, 2}, {3, 2}, {4, 2}, {5, 5}, {6, 5}};
  const std::map<int64_t, std::vector<int64_t>> kept = {{1, {1}},    {2, {2}}, {3, {2, 3}},
                                                        {4, {2, 4}}, {5, {5}}, {6, {5, 6}}};
  for (const auto& [step, best] : best_at) {
    core::CheckpointSave(run, experiment_, kData, {.step = step, .best = core::BestSoFar{.value = 0.5, .step = best}},
                         session.state())
        .finish();
    for (int64_t other = 1; other <= step; ++other)
      EXPECT_EQ(fs::exists(checkpoint(other)), std::ranges::count(kept.at(step), other) == 1)
          << other << " at " << step;
  }
}

TEST_F(Checkpoints, ADamagedOneCostsNoOther) {
  experiment_.mutable_train()->mutable_checkpoint()->set_keep_best(true);
  const auto world = dist::make_single_world();
  core::Session session(experiment_, schema_, on_host(*world));
  save(session, 4);
  write("checkpoints/step-0000000004/manifest.pbtxt", read("checkpoints/step-0000000004/manifest.pbtxt") + "#");
  save(session, 5);
  EXPECT_EQ(core::damage_of(checkpoint(5)), std::vector<std::string>{});
  EXPECT_TRUE(fs::exists(checkpoint(4)));
}

// What a chain of them restores is what a whole one does: every row with state and use, forgotten ones too.
TEST_F(Checkpoints, AddToOthers) {
  config::Table& table = *experiment_.mutable_embedding()->add_table();
  table.set_name("user");
  table.set_max_rows(256);
  experiment_.mutable_train()->mutable_checkpoint()->set_keep_last(1);
  for (const int a : {1, 3}) {
    fs::remove_all(path("checkpoints"));
    AllRows saved;
    std::vector<float> dense;
    dist::run_local_ranks(a, [&](dist::Communicator& communicator) {
      const core::RunFolder run(path(""));
      core::Session session(experiment_, schema_, on_host(communicator));
      std::optional<core::CheckpointBase> base;
      for (int64_t step = 1; step <= 4; ++step) {
        // New users in each step, so that many are forgotten.
        for (int64_t s = 0; s < 4; ++s) {
          core::Batch batch = part(communicator, step * 10 + s);
          for (int64_t& user : batch.fields[0]) user += 64 * (step * 4 + s);
          session.train_step(batch, kRows, 1);
        }
        session.settle();
        core::CheckpointSave save(run, experiment_, kData, {.step = step, .trained_steps = step}, session.state(),
                                  base);
        save.finish();
        base = save.as_base();
      }
      add_rows(session, saved);
      if (communicator.rank() == 0) dense = dense_of(session);
      EXPECT_GT(session.lookup().total().rows_evicted, 0);
    });
    EXPECT_EQ(core::chain_of(checkpoint(4)),
              (std::vector<std::string>{checkpoint(4), checkpoint(3), checkpoint(2), checkpoint(1)}));
    EXPECT_LT(fs::file_size(fs::directory_iterator(checkpoint(4) + "/tables")->path()), 20000u);
    const auto check = [&](int b) {
      AllRows loaded;
      dist::run_local_ranks(b, [&](dist::Communicator& communicator) {
        core::Session session(experiment_, schema_, on_host(communicator));
        EXPECT_EQ(load_checkpoint(checkpoint(4), kData, session.state()).step, 4);
        EXPECT_EQ(session.tables().update_steps(), 16);
        add_rows(session, loaded);
        EXPECT_EQ(dense_of(session), dense);
      });
      EXPECT_EQ(loaded, saved) << a << " ranks to " << b;
    };
    for (const int b : {1, 2, 4}) check(b);

    // The chain is part of it.
    const std::string file = fs::directory_iterator(checkpoint(2) + "/tables")->path().string();
    const std::string bytes = read(file.substr(path("").size()));
    std::ofstream(file, std::ios::app) << "x";
    EXPECT_EQ(core::damage_of(checkpoint(4)).size(), 1u);
    std::ofstream(file, std::ios::binary) << bytes;
    fs::rename(checkpoint(2), path("away"));
    EXPECT_EQ(error_of<DataError>([&] { (void)core::chain_of(checkpoint(4)); }),
              "[checkpoint] checkpoints/step-0000000003 is incremental, but its base checkpoint step-0000000002 is not "
              "beside it; restore it, or use a full checkpoint");
    fs::rename(path("away"), checkpoint(2));
  }
}

class GoingOn : public Checkpoints, public ::testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(OnDevice, GoingOn, ::testing::Values(false, true));

// 3 steps + 3 steps are 6 steps, bit for bit; with a table that forgets.
TEST_P(GoingOn, IsAsIfNothingHadHappened) {
  config::Table& table = *experiment_.mutable_embedding()->add_table();
  table.set_name("user");
  table.set_max_rows(256);
  EmulatedDevice device;
  const auto world = dist::make_single_world();
  const dist::Rank rank = GetParam() ? on_device(*world, device) : on_host(*world);
  AllRows undisturbed, resumed;
  std::vector<float> dense;
  {
    core::Session session(experiment_, schema_, rank);
    train(session, 0, 3);
    save(session, 3);
    train(session, 3, 6);
    add_rows(session, undisturbed);
    dense = dense_of(session);
  }
  core::Session session(experiment_, schema_, rank);
  static_cast<void>(load_checkpoint(checkpoint(3), kData, session.state()));
  train(session, 3, 6);
  add_rows(session, resumed);
  EXPECT_EQ(resumed, undisturbed);
  EXPECT_EQ(dense_of(session), dense);
}

TEST_F(Checkpoints, KeepsTheLastOnesAndEveryKth) {
  experiment_.mutable_train()->mutable_checkpoint()->set_keep_every(3);
  const auto world = dist::make_single_world();
  core::Session session(experiment_, schema_, on_host(*world));
  for (int64_t step = 1; step < 8; ++step) save(session, step);
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(path("checkpoints"))) left.push_back(entry.path().filename());
  std::ranges::sort(left);
  EXPECT_EQ(left, (std::vector<std::string>{"step-0000000003", "step-0000000006", "step-0000000007"}));
  EXPECT_EQ(core::find_checkpoint(path("")), core::RunFolder(path("")).checkpoints() + "/step-0000000007");
  EXPECT_EQ(core::find_checkpoint(checkpoint(3)), core::RunFolder(checkpoint(3)).path());
  EXPECT_EQ(error_of<InvalidArgument>([&] { static_cast<void>(core::find_checkpoint("/nowhere")); }),
            "[checkpoint] wanted a checkpoint or a run with checkpoints, there is no folder /nowhere");
  fs::create_directory(path("empty"));
  EXPECT_EQ(error_of<InvalidArgument>([&] { static_cast<void>(core::find_checkpoint(path("empty"))); }),
            "[checkpoint] wanted a checkpoint or a run with checkpoints, empty holds no manifest.pbtxt and no "
            "checkpoints/step-...; train with train.checkpoint.every_steps set");
  EXPECT_EQ(error_of<InvalidArgument>([&] { static_cast<void>(core::find_checkpoint(path("emtpy"))); }),
            "[checkpoint] wanted a checkpoint or a run with checkpoints, there is no folder emtpy; did you mean "
            "\"empty\"?");
}

TEST_F(Checkpoints, NameWhatIsDamaged) {
  save_one();
  const std::string dense = checkpoint(2) + "/dense.safetensors", optimizer = checkpoint(2) + "/optimizer.safetensors",
                    table = checkpoint(2) + "/tables/item-00000-of-00001.safetensors";
  EXPECT_EQ(error_of_load(), "no error");
  const auto flip = [](const std::string& file, int64_t at) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(at);
    const char old = static_cast<char>(bytes.get());
    bytes.seekp(at);
    bytes.put(static_cast<char>(old ^ 4));
  };
  const std::pair<std::string, std::string> last_tensors[] = {{dense, ": tensor \"sfpnet/stb1/sam/w2\""},
                                                              {optimizer, ": tensor \"v/sfpnet/stb1/sam/w2\""},
                                                              {table, ": tensor \"values\""},
                                                              {checkpoint(2) + "/config.pbtxt", ""}};
  for (const auto& [file, tensor] : last_tensors) {
    const auto at = static_cast<int64_t>(fs::file_size(file)) - 3;
    flip(file, at);
    EXPECT_EQ(core::damage_of(checkpoint(2)),
              std::vector<std::string>{file + " does not have the hash that it was written with" + tensor});
    flip(file, at);
  }
  flip(table, 20);
  // Without the folder of the test.
  EXPECT_EQ(error_of_load(),
            "[checkpoint] checkpoints/step-0000000002 is damaged:\n"
            "  checkpoints/step-0000000002/tables/item-00000-of-00001.safetensors does not have the hash that it was "
            "written with: its header\nresume from another; no other checkpoint of the run is undamaged");
  const auto size = fs::file_size(optimizer);
  fs::resize_file(optimizer, size - 1);
  fs::remove(table);
  EXPECT_EQ(
      core::damage_of(checkpoint(2)),
      (std::vector<std::string>{optimizer + str(" has ", size - 1, " bytes, wanted ", size), table + " is missing"}));
}

TEST_F(Checkpoints, RefuseWhatTheyCannotTrust) {
  save_one();
  const std::string manifest = checkpoint(2) + "/manifest.pbtxt", said = "checkpoints/step-0000000002/manifest.pbtxt";
  std::stringstream text;
  text << std::ifstream(manifest).rdbuf();
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string changed = text.str().substr(text.str().find('\n') + 1);
    changed.replace(changed.find(from), from.size(), to);
    std::ofstream(manifest) << sealed(core::kProtoSeal, changed);
    const std::string error = error_of_load(), beside = "; no other checkpoint of the run is undamaged";
    EXPECT_TRUE(error.ends_with(beside)) << error;
    return error.substr(0, error.rfind(beside));
  };
  for (const char* base : {"", "step-0000000002", "step-0000000009", "../step-0000000001", "/tmp"})
    EXPECT_EQ(replaced("schema: 1", str("schema: 2", *base == 0 ? "" : str("\nbase: \"", base, "\""))),
              str("[checkpoint] ", said, " names the base \"", base,
                  "\", which is not an earlier checkpoint; the checkpoint is "
                  "damaged; resume from another one with --resume FOLDER"));
  EXPECT_EQ(replaced("schema: 1", "schema: 3"),
            "[checkpoint] " + said +
                " is of schema 3, this program reads 1 and 2; resume with the program that wrote it, or a newer one");
  for (const std::string name : {"../dense.safetensors", "/etc/passwd", "tables/../../x"})
    EXPECT_EQ(replaced("dense.safetensors", name), "[checkpoint] " + said + " names the file \"" + name +
                                                       "\", which does not lie below its folder; do not use it");
  EXPECT_EQ(
      replaced("schema: 1", "schema: {"),
      "[checkpoint] cannot read " + said + "; the checkpoint is damaged; resume from another one with --resume FOLDER");
  std::ofstream(manifest) << text.str();
  EXPECT_EQ(error_of_load("2 files"),
            "[checkpoint] wanted the training files that checkpoints/step-0000000002 was trained on (1 files, 2 bytes, "
            "3), found others (2 files); restore them, or start another run");
}

TEST_F(Checkpoints, OfAnotherModelAreRefused) {
  save_one();
  experiment_.mutable_embedding()->mutable_optimizer()->set_kind(config::SparseOptimizer::SGD);
  experiment_.mutable_train()->mutable_optimizer()->set_kind(config::DenseOptimizer::ADAGRAD);
  const std::string said = error_of_load();
  EXPECT_NE(said.find("accumulator/"), std::string::npos) << said;
}

}  // namespace
}  // namespace polyscene::testing
