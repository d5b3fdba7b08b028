// Models and checkpoints are refused where a bit of them is another one than was written, whoever reads them.
#include "core/checkpoint/hash_check.h"

#include <sys/stat.h>

#include <cmath>
#include <sstream>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/diff.h"
#include "core/checkpoint/inspect.h"
#include "core/checkpoint/model_files.h"
#include "core/checkpoint/warm_start.h"
#include "core/export/publish.h"
#include "core/session/session.h"
#include "core/train/trained_run.h"
#include "dist/world.h"
#include "ops/base/error.h"
#include "tests/core/models/model_harness.h"
#include "tests/fuzz/tiny_run.h"
#include "tests/support/flip_bits.h"
#include "tests/support/rank.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::testing {
namespace {

namespace fs = std::filesystem;

class HashCheck : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    make_tiny_run(path("run"));
  }

  // One bit of the last byte but two, which is a tensor's.
  void flip(const std::string& name) const {
    std::string bytes = read(name);
    bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 4);
    write(name, bytes);
  }
  [[nodiscard]] std::string error_of_load(int ranks = 1) const {
    return error_of<DataError>([&] {
      dist::run_local_ranks(ranks, [&](dist::Communicator& communicator) {
        core::Session session(experiment_, schema_, on_host(communicator), {.training = false});
        load_model(path("run/model"), session.state());
      });
    });
  }
  [[nodiscard]] std::string error_of_warm_start() const {
    return error_of<DataError>([&] {
      const auto world = dist::make_single_world();
      core::Session session(experiment_, schema_, on_host(*world));
      config::WarmStart from;
      from.set_from(path("run"));
      static_cast<void>(warm_start(from, session.state()));
    });
  }
  [[nodiscard]] std::string error_of_export() const {
    std::ostringstream said;
    return error_of<DataError>([&] {
      static_cast<void>(core::export_model(
          {.run = path("run"), .output = path("served"), .sample_rows = 0, .onnx_check = {}, .overrides = {}}, said));
    });
  }
  static std::string damaged(const std::string& file, const std::string& tensor, const std::string& advice) {
    return "[checkpoint] run/model is damaged:\n  run/model/" + file +
           " does not have the hash that it was written with" + tensor + "\n" + advice;
  }

  config::Experiment experiment_ = tiny_experiment();
  core::FeatureSchema schema_ = core::FeatureSchema::from(experiment_.data());
};

TEST_F(HashCheck, EveryReaderOfAModelRefusesDamage) {
  const std::pair<std::string, std::string> files[] = {
      {"dense.safetensors", ": tensor \"sfpnet/stb1/sam/w2\""},
      {"tables/item-00000-of-00001.safetensors", ": tensor \"values\""}};
  EXPECT_EQ(error_of_load(), "no error");
  EXPECT_EQ(error_of_export(), "no error");
  for (const auto& [file, tensor] : files) {
    flip("run/model/" + file);
    const std::string again =
                          "restore it from a copy; or, if the run has checkpoints, remove the folder of that model and "
                          "save it again with polyscene train --resume",
                      above = "the output above comes from the damaged files";
    for (const int ranks : {1, 3}) {
      const std::string said = error_of_load(ranks);
      EXPECT_NE(said.find(damaged(file, tensor, again)), std::string::npos) << said;
    }
    EXPECT_EQ(error_of_warm_start(), damaged(file, tensor, "start from another model, or restore it from a copy"));
    EXPECT_EQ(error_of_export(),
              damaged(file, tensor, "nothing was published; export another model, or restore it from a copy"));
    std::ostringstream out;
    EXPECT_EQ(error_of<DataError>([&] { core::print_checkpoint(out, path("run/model")); }),
              damaged(file, tensor, above));
    EXPECT_EQ(error_of<DataError>(
                  [&] { static_cast<void>(core::print_difference(out, path("run/model"), path("run/model"))); }),
              damaged(file, tensor, above));
    EXPECT_EQ(core::damage_of(path("run/model")).size(), 1u);
    flip("run/model/" + file);
    EXPECT_EQ(error_of_load(), "no error");
  }
  EXPECT_FALSE(fs::exists(path("served/2")));
}

TEST_F(HashCheck, TheConfigurationIsAmongTheFiles) {
  const std::string file = "run/model/config.pbtxt", text = read(file);
  write(file, text + "#");
  EXPECT_EQ(core::damage_of(path("run/model")),
            std::vector<std::string>{path(file) + str(" has ", text.size() + 1, " bytes, wanted ", text.size())});
  fs::remove(path("run/model/config.pbtxt"));
  EXPECT_EQ(core::damage_of(path("run/model")), std::vector<std::string>{path(file) + " is missing"});
}

TEST_F(HashCheck, AConfigurationThatWasCutIsDamageNotItsWritersFault) {
  for (const std::string folder : {"run/model", "run/checkpoints/step-0000000002"}) {
    const std::string file = folder + "/config.pbtxt", text = read(file);
    const auto error = [&] {
      return error_of<DataError>([&] { static_cast<void>(core::load_whole_experiment(path(folder), "take another")); });
    };
    const std::string damaged = "[checkpoint] " + folder + " is damaged:\n  " + file;
    EXPECT_EQ(error(), "no error");
    for (const size_t bytes : {size_t{0}, text.size() / 2}) {
      write(file, text.substr(0, bytes));
      EXPECT_EQ(error(), damaged + str(" has ", bytes, " bytes, wanted ", text.size(), "\ntake another"));
    }
    std::string other = text;
    other[0] = static_cast<char>(other[0] ^ 4);
    write(file, other);
    EXPECT_EQ(error(), damaged + " does not have the hash that it was written with\ntake another");
    fs::remove(path(file));
    EXPECT_EQ(error(), damaged + " is missing\ntake another");
    write(file, text);
  }
}

TEST_F(HashCheck, EveryCommandLooksAtTheHashOfAConfigurationBeforeItsText) {
  const std::string checkpoint = path("run/checkpoints/step-0000000002");
  fs::resize_file(path("run/model/config.pbtxt"), 0);
  fs::resize_file(checkpoint + "/config.pbtxt", 0);
  const std::string model = "[checkpoint] run/model is damaged:\n  run/model/config.pbtxt has 0 bytes, wanted ";
  EXPECT_TRUE(error_of_export().starts_with(model)) << error_of_export();
  core::ScoreJob job;
  job.run = path("run");
  const auto score = error_of<DataError>([&] { static_cast<void>(load_run_config(job)); });
  EXPECT_TRUE(score.starts_with(model)) << score;
  for (auto* const load : {&core::load_resume_config, &core::load_convert_config}) {
    const auto error = error_of<DataError>([&] { static_cast<void>(load(checkpoint, {})); });
    EXPECT_TRUE(
        error.starts_with("[checkpoint] run/checkpoints/step-0000000002 is damaged:\n  run/checkpoints/"
                          "step-0000000002/config.pbtxt has 0 bytes, wanted "))
        << error;
    EXPECT_TRUE(error.ends_with("use another checkpoint; polyscene checkpoint verify says which are undamaged"))
        << error;
  }
}

TEST_F(HashCheck, EmptiedListsAreSaidToBeEmpty) {
  fs::resize_file(path("run/model/files.pbtxt"), 0);
  EXPECT_EQ(error_of<DataError>([&] { static_cast<void>(core::damage_of(path("run/model"))); }),
            "[checkpoint] run/model/files.pbtxt is empty; the model is damaged; use another, or train it again");
  const std::string checkpoint = path("run/checkpoints/step-0000000002");
  fs::resize_file(checkpoint + "/manifest.pbtxt", 0);
  EXPECT_EQ(error_of<DataError>([&] { static_cast<void>(core::position_of_checkpoint(checkpoint)); }),
            "[checkpoint] run/checkpoints/step-0000000002/manifest.pbtxt is empty; the checkpoint is damaged; resume "
            "from another one with --resume FOLDER");
}

TEST_F(HashCheck, EveryBitOfAModelsListCounts) {
  fs::create_directory(path("small"));
  write("small/dense.safetensors", "");
  const std::vector<core::WrittenFile> files = {{.name = "dense.safetensors",
                                                 .hash = core::hash_file(path("small/dense.safetensors")),
                                                 .tensors = {{"head/0/w", 5}}}};
  write_model_hashes(path("small"), files, *dist::make_single_world());
  const auto error = [&] { return error_of<DataError>([&] { EXPECT_TRUE(core::damage_of(path("small")).empty()); }); };
  EXPECT_EQ(error(), "no error");
  const std::string text = read("small/files.pbtxt");
  with_each_bit_flipped(path("small/files.pbtxt"), [&](size_t bit) { EXPECT_NE(error(), "no error") << bit; });
  for (size_t bytes = 0; bytes < text.size(); ++bytes) {
    write("small/files.pbtxt", text.substr(0, bytes));
    EXPECT_NE(error(), "no error") << bytes;
  }
}

TEST_F(HashCheck, WhatAnEarlierProgramWroteIsReadWithAWord) {
  EXPECT_EQ(core::without_hash(path("run/model")), "");
  EXPECT_EQ(core::without_hash(path("run/checkpoints/step-0000000002")), "");
  fs::remove(path("run/model/files.pbtxt"));
  EXPECT_EQ(core::without_hash(path("run/model")),
            path("run/model") +
                " has no hashes, since an earlier version of Polyscene wrote it: damage to its values is not detected");
  EXPECT_EQ(error_of_load(), "no error");
  // Also where an earlier one of the chain is such a one.
  const std::string manifest = "run/checkpoints/step-0000000001/manifest.pbtxt", text = read(manifest);
  write(manifest, text.substr(text.find('\n') + 1));
  EXPECT_EQ(
      core::without_hash(path("run/checkpoints/step-0000000002")),
      path(manifest) +
          " has no hash of itself, since an earlier version of Polyscene wrote it: damage to it may not be detected");
  EXPECT_EQ(core::damage_of(path("run/checkpoints/step-0000000002")), std::vector<std::string>{});
}

TEST_F(HashCheck, AModelIsNoCheckpoint) {
  EXPECT_TRUE(core::is_model(path("run/model")));
  EXPECT_FALSE(core::is_model(path("run")));
  EXPECT_FALSE(core::is_model(path("run/checkpoints/step-0000000002")));
  EXPECT_EQ(error_of<InvalidArgument>([&] { static_cast<void>(core::find_checkpoint(path("run/model"))); }),
            "[checkpoint] wanted a checkpoint or a run with checkpoints, run/model is a model, which has no optimiser "
            "state to resume from; pass its run, or start another run with train.warm_start { from: "
            "\"run/model\" }");
}

TEST_F(HashCheck, NumbersThatAreNoneAreNotScoredWith) {
  // As it was saved: its hashes are right.
  for (const float none : {NAN, INFINITY}) {
    const auto world = dist::make_single_world();
    core::Session session(experiment_, schema_, on_host(*world));
    const Tensor values = session.parameters().host_values();
    values.elements<float>()[3] = none;
    session.parameters().set_values(values);
    save_model(path("run/model"), experiment_, session.state());
    const std::string tensor = session.parameters().entries()[0].name;
    EXPECT_EQ(error_of_load(),
              "[checkpoint] run/model/dense.safetensors: tensor \"" + tensor +
                  "\" has values that are not finite and cannot score; use another model, or train it again");
    EXPECT_EQ(error_of_warm_start(), "[checkpoint] run/model: tensor \"" + tensor +
                                         "\" has values that are not finite; start from another model, or leave it out "
                                         "with only");
  }
}

// A pipe would be waited for, and a device never ends.
TEST_F(HashCheck, WhatIsNoFileIsRefusedAtOnce) {
  for (const char* name :
       {"dense.safetensors", "tables/item-00000-of-00001.safetensors", "files.pbtxt", "config.pbtxt"}) {
    const std::string file = path(std::string("run/model/") + name);
    fs::rename(file, path("away"));
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    EXPECT_NE(error_of_load(), "no error") << name;
    fs::remove(file);
    fs::create_symlink("/dev/zero", file);
    EXPECT_NE(error_of_load(), "no error") << name;
    fs::remove(file);
    fs::rename(path("away"), file);
  }
  EXPECT_EQ(error_of_load(), "no error");
  const std::string checkpoint = path("run/checkpoints/step-0000000002");
  fs::remove(checkpoint + "/manifest.pbtxt");
  ASSERT_EQ(::mkfifo((checkpoint + "/manifest.pbtxt").c_str(), 0600), 0);
  EXPECT_EQ(error_of<DataError>([&] { static_cast<void>(core::position_of_checkpoint(checkpoint)); }),
            "[files] cannot read run/checkpoints/step-0000000002/manifest.pbtxt: wanted a file, got a pipe");
  fs::remove(checkpoint + "/config.pbtxt");
  fs::create_symlink("/dev/zero", checkpoint + "/config.pbtxt");
  EXPECT_EQ(error_of<DataError>([&] { static_cast<void>(core::load_resume_config(checkpoint, {})); }),
            "[config] wanted a file as run/checkpoints/step-0000000002/config.pbtxt, got a folder, pipe or device; "
            "restore the file that was there");
}

}  // namespace
}  // namespace polyscene::testing
