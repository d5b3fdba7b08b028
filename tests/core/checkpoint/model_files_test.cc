// Saved models: replaced as a whole, read by any number of ranks, and what is said when a file is missing or wrong.
#include "core/checkpoint/model_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <numeric>

#include "core/checkpoint/model_parts.h"
#include "core/checkpoint/saved_table.h"
#include "core/files/safetensors.h"
#include "core/session/session.h"
#include "dist/world.h"
#include "ops/base/error.h"
#include "tests/core/models/model_harness.h"
#include "tests/support/rank.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

namespace fs = std::filesystem;

class ModelFiles : public testing::FolderTest {
 protected:
  // A model whose table "item" has the rows 1 to 4 all `value`, on `ranks` ranks.
  void save(float value, int ranks = 2, const std::string& folder = "model") const {
    dist::run_local_ranks(ranks, [&](dist::Communicator& communicator) {
      Session session(experiment_, schema_, testing::on_host(communicator));
      const std::vector<int64_t> keys = {1, 2, 3, 4};
      session.tables().load_rows(item(session), {keys, std::vector<float>(4 * 3, value)});
      save_model(path(folder), experiment_, session.state());
    });
  }

  // As an earlier program wrote it: what is wrong with a file is then found where it is read.
  void save_without_hashes(float value, int ranks) const {
    save(value, ranks);
    fs::remove(path("model/files.pbtxt"));
  }

  // Rows of table "item" that the ranks together find with that value.
  [[nodiscard]] int64_t load(float value, int ranks = 1) const {
    int64_t found = 0;
    dist::run_local_ranks(ranks, [&](dist::Communicator& communicator) {
      Session session(experiment_, schema_, testing::on_host(communicator), {.training = false});
      load_model(path("model"), session.state());
      const auto rows = static_cast<size_t>(session.tables().rows(item(session)));
      std::vector<int64_t> keys(rows);
      std::vector<float> values(rows * 3);
      session.tables().read_rows(item(session), {keys, values});
      int64_t mine = std::ranges::count(values, value) / 3;
      communicator.all_reduce<int64_t>({&mine, 1});
      if (communicator.rank() == 0) found = mine;
    });
    return found;
  }

  [[nodiscard]] std::string error_of_load() const {
    return error_of<DataError>([&] { (void)load(1); });
  }

  static void load_many(Session& session) {
    std::vector<int64_t> keys(10000);
    std::iota(keys.begin(), keys.end(), 0);
    session.tables().load_rows(item(session), {keys, std::vector<float>(keys.size() * 3)});
  }

  static int item(Session& session) {
    for (int t = 0; t < session.tables().tables(); ++t)
      if (session.tables().layout().name(t) == "item") return t;
    return -1;
  }

  config::Experiment experiment_ = testing::tiny_experiment();
  FeatureSchema schema_ = FeatureSchema::from(experiment_.data());
};

TEST_F(ModelFiles, AnyNumberOfRanksReadsThem) {
  save(1, 2);
  EXPECT_EQ(load(1, 1), 4);
  EXPECT_EQ(load(1, 3), 4);
}

// Many ranks of small tables: each file lists as many partitions as the rank owns, not those of all ranks.
TEST_F(ModelFiles, AFileListsThePartitionsOfItsRankAlone) {
  save(1, 3);
  int64_t rows = 0, partitions = 0;
  for (int rank = 0; rank < 3; ++rank) {
    const SafetensorsFile file(path(str("model/tables/item", shard_suffix(rank, 3))));
    const auto begin = file.tensor("partitions").elements<const int64_t>();
    EXPECT_EQ(file.metadata().at("partitions"), "1024");
    partitions += static_cast<int64_t>(begin.size()) - 1;
    rows += begin.back();
  }
  EXPECT_EQ(partitions, 1024);
  EXPECT_EQ(rows, 4);
}

// The layout of earlier versions.
TEST_F(ModelFiles, FilesThatListThePartitionsOfAllRanksAreRead) {
  save_without_hashes(1, 2);
  for (int rank = 0; rank < 2; ++rank) {
    const std::string name = path(str("model/tables/item", shard_suffix(rank, 2)));
    const SafetensorsFile file(name);
    const auto mine = file.tensor("partitions").elements<const int64_t>();
    Tensor all(DType::kInt64, {1025});
    const auto begins = all.elements<int64_t>();
    std::ranges::fill(begins, rank == 0 ? mine.back() : 0);
    std::ranges::copy(mine, begins.begin() + rank * 512);
    write_safetensors(name + ".new",
                      {{"keys", file.tensor("keys")}, {"values", file.tensor("values")}, {"partitions", all.view()}});
    fs::rename(name + ".new", name);
  }
  EXPECT_EQ(load(1, 1), 4);
  EXPECT_EQ(load(1, 3), 4);
}

TEST_F(ModelFiles, AModelReplacesAnotherWhole) {
  save(1, 3);
  save(2, 2);
  EXPECT_EQ(load(2), 4);
  EXPECT_EQ(load(1), 0);
  EXPECT_FALSE(fs::exists(path("model.partial")));
  EXPECT_FALSE(fs::exists(path("model/tables/item-00000-of-00003.safetensors")));
}

// What a run that was killed while it saved leaves behind.
TEST_F(ModelFiles, RemainsOfASaveAreRemoved) {
  fs::create_directories(path("model.partial/tables"));
  write("model.partial/tables/item-00000-of-00001.safetensors", "half a fi");
  save(1);
  EXPECT_EQ(load(1), 4);
}

TEST_F(ModelFiles, FoldersThatCannotBeMadeOrRemoved) {
  const std::string made = error_of<DataError>([&] { save(1, 1, "/proc/model"); });
  EXPECT_TRUE(made.starts_with("[checkpoint] cannot make the folder /proc/model.partial/tables: ")) << made;
  EXPECT_TRUE(made.ends_with("; there is no folder /proc/model.partial: make it first, or choose another place"))
      << made;
  write("file", "");
  EXPECT_EQ(error_of<DataError>([&] { save(1, 1, "file/model"); }),
            "[checkpoint] cannot remove file/model.partial: Not a directory; choose another place");
}

// Only rank 1 has more rows than fit.
TEST_F(ModelFiles, ARankThatCannotWriteStopsTheOthersWithItsWords) {
  save(1);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit limit{.rlim_cur = 30000, .rlim_max = before.rlim_max};
  std::vector<std::string> said(2);
  EXPECT_THROW(dist::run_local_ranks(2,
                                     [&](dist::Communicator& communicator) {
                                       Session session(experiment_, schema_, testing::on_host(communicator));
                                       if (communicator.rank() == 1) load_many(session);
                                       communicator.barrier();
                                       ::setrlimit(RLIMIT_FSIZE, &limit);
                                       said[static_cast<size_t>(communicator.rank())] = error_of<DataError>(
                                           [&] { save_model(path("model"), experiment_, session.state()); });
                                       ::setrlimit(RLIMIT_FSIZE, &before);
                                       throw DataError("end");
                                     }),
               DataError);
  EXPECT_TRUE(
      said[1].starts_with("[files] cannot write model.partial/tables/item-00001-of-00002.safetensors: File too "
                          "large; wanted "))
      << said[1];
  EXPECT_EQ(said[0], said[1]) << "nobody started ranks: they are threads of one process";
  EXPECT_EQ(load(1), 4) << "the model before is left";
}

TEST_F(ModelFiles, RowsWithoutAPlaceAreSaidOnceForAllRanks) {
  dist::run_local_ranks(2, [&](dist::Communicator& communicator) {
    Session session(experiment_, schema_, testing::on_host(communicator));
    load_many(session);
    save_model(path("model"), experiment_, session.state());
  });
  config::Embedding& embedding = *experiment_.mutable_embedding();
  embedding.set_partitions(2);
  config::Table& table = *embedding.add_table();
  table.set_name("item");
  table.set_max_rows(128);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(load(0, 2), 128);
  const std::string said = ::testing::internal::GetCapturedStderr();
  const std::string warning = "polyscene: warning: [checkpoint] dropped 9872 rows of table \"item\" of " +
                              path("model") +
                              ": its max_rows, 128, is too small for them; raise it to the model's max_rows\n";
  EXPECT_TRUE(said.ends_with(warning)) << said;
  EXPECT_EQ(said.find("dropped"), said.rfind("dropped")) << said;
}

TEST_F(ModelFiles, MissingFilesOfATable) {
  save_without_hashes(1, 3);
  fs::remove(path("model/tables/item-00001-of-00003.safetensors"));
  EXPECT_EQ(error_of_load(),
            "[checkpoint] wanted 3 files of table \"item\" in model/tables, found 2; the folder is incomplete, copy "
            "the whole model");
  for (const char* left : {"item-00000-of-00003.safetensors", "item-00002-of-00003.safetensors"})
    fs::remove(path("model/tables/") + left);
  EXPECT_EQ(error_of_load(),
            "[checkpoint] wanted rows of table \"item\" in model/tables, there is no item-*.safetensors; was the model "
            "trained "
            "with another configuration?");
  fs::remove_all(path("model/tables"));
  EXPECT_EQ(error_of_load(),
            "[checkpoint] cannot list model/tables: No such file or directory; is the model's folder complete "
            "and readable?");
  fs::remove_all(path("model"));
  EXPECT_EQ(error_of_load(), "[files] cannot read model/dense.safetensors: No such file or directory");
}

TEST_F(ModelFiles, FilesOfTwoModels) {
  save_without_hashes(1, 2);
  fs::copy_file(path("model/tables/item-00000-of-00002.safetensors"),
                path("model/tables/item-00000-of-00001.safetensors"));
  EXPECT_EQ(error_of_load(),
            "[checkpoint] wanted 1 files of table \"item\" in model/tables, found 3, some from models of another "
            "number of ranks; the folder is incomplete, copy the whole model");
}

TEST_F(ModelFiles, FilesThatOnlyLookLikeATable) {
  save(1, 1);
  for (const char* name : {"item-abcde-of-fghij.safetensors", "item-0-of-1.safetensors", "item-00000-of-00001.bak"})
    write(std::string("model/tables/") + name, "");
  EXPECT_EQ(load(1), 4);
}

TEST_F(ModelFiles, TheOptimizersStepsAreANumber) {
  const std::string file = path("optimizer.safetensors");
  const auto error_with = [&](const std::map<std::string, std::string>& metadata) {
    write_safetensors(file, {}, metadata);
    return error_of<DataError>([&] { static_cast<void>(saved_optimizer_steps(SafetensorsFile(file), file)); });
  };
  EXPECT_EQ(error_with({{"steps", "9007199254740993"}}), "no error");
  for (const std::string said : {"", "-1", "12x", "many", "99999999999999999999"})
    EXPECT_EQ(error_with({{"steps", said}}),
              "[checkpoint] optimizer.safetensors: wanted metadata \"steps\", a number "
              "of at least 0, got \"" +
                  said + "\"; the file is damaged, take another checkpoint");
  EXPECT_EQ(error_with({}), error_with({{"steps", ""}}));
}

TEST_F(ModelFiles, TensorsThatDoNotFit) {
  save_without_hashes(1, 1);
  const std::string shard = "model/tables/item-00000-of-00001.safetensors", dense = "model/dense.safetensors";
  const Tensor keys = Tensor::of<int64_t>({2}, {1, 2}), wide = Tensor(DType::kFloat32, {2, 4});
  write_safetensors(path(shard), {{"keys", keys.view()}, {"values", wide.view()}});
  EXPECT_EQ(error_of_load(),
            "[checkpoint] wanted rows of table \"item\" with 3 values, model has 4; was the model "
            "trained with another configuration?");
  write_safetensors(path(shard), {{"keys", keys.view()}, {"values", keys.view()}});
  EXPECT_EQ(error_of_load(),
            "[checkpoint] " + shard +
                ": wanted tensor \"values\" of type float32, got int64; restore the file that training wrote");
  const Tensor flat = Tensor(DType::kFloat32, {2}), three = Tensor(DType::kFloat32, {3, 3});
  write_safetensors(path(shard), {{"keys", keys.view()}, {"values", flat.view()}});
  EXPECT_EQ(error_of_load(), "[checkpoint] " + shard + ": wanted values [rows, width], got [2]");
  write_safetensors(path(shard), {{"keys", keys.view()}, {"values", three.view()}});
  EXPECT_EQ(error_of_load(), "[checkpoint] " + shard +
                                 ": wanted values of shape [2, 3], got [3, 3]; was the model "
                                 "trained with another configuration?");
  write_safetensors(path(shard), {{"keys", wide.view()}, {"values", wide.view()}});
  EXPECT_EQ(error_of_load(),
            "[checkpoint] " + shard +
                ": wanted tensor \"keys\" of type int64, got float32; restore the file that training wrote");
  write_safetensors(path(shard), {{"keys", keys.view()}});
  EXPECT_EQ(error_of_load(), "[files] " + shard + " holds no tensor \"values\"; there are keys");

  const Tensor partitions = Tensor::of<int64_t>({3}, {0, 3, 2}), good = Tensor(DType::kFloat32, {2, 3});
  write_safetensors(path(shard), {{"keys", keys.view()}, {"values", good.view()}, {"partitions", partitions.view()}});
  EXPECT_EQ(error_of_load(), "[checkpoint] " + shard +
                                 ": wanted row offsets of the partitions, ascending from 0 to "
                                 "2, got others; the file is damaged");
  const Tensor begins = Tensor::of<int64_t>({3}, {0, 1, 2});
  const auto error_with = [&](const std::string& said) {
    write_safetensors(path(shard), {{"keys", keys.view()}, {"values", good.view()}, {"partitions", begins.view()}},
                      {{"partitions", said}});
    return error_of_load();
  };
  EXPECT_EQ(error_with("1024"), "[checkpoint] " + shard +
                                    ": wanted 1025 numbers in \"partitions\", for the partitions of rank 0 of 1, got "
                                    "3; the file is damaged");
  for (const std::string said : {"", "0", "-7", "99999999999", "many", "1x"})
    EXPECT_EQ(error_with(said), "[checkpoint] " + shard +
                                    ": wanted metadata \"partitions\" of at least 1, the number of its ranks, got \"" +
                                    said + "\"; the file is damaged");
  fs::remove(path(shard));
  const std::string first = "model/tables/item-00000-of-00002.safetensors",
                    second = "model/tables/item-00001-of-00002.safetensors";
  write_safetensors(path(first), {{"keys", keys.view()}, {"values", good.view()}});
  write_safetensors(path(second), {{"keys", keys.view()}, {"values", wide.view()}});
  EXPECT_EQ(error_of_load(), "[checkpoint] " + second + ": wanted rows of 3 values and 0 floats of state as in " +
                                 first + ", got 4 and 0; the files are of two models");

  write_safetensors(path(dense), {{"head/0/w", wide.view()}});
  EXPECT_EQ(error_of_load(), "[files] " + dense + " holds no tensor \"sfpnet/stb0/sam/w1\"; there are head/0/w");
  write_safetensors(path(dense), {{"sfpnet/stb0/sam/w1", wide.view()}});
  EXPECT_EQ(error_of_load(), "[checkpoint] " + dense +
                                 ": tensor \"sfpnet/stb0/sam/w1\" has shape [2, 4], the configured model "
                                 "wants [24, 6]; was the model trained with another configuration?");
}

}  // namespace
}  // namespace polyscene::core
