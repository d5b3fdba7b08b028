// A run that is overwritten comes back whole, whatever ended the job and whenever, until the new one has saved a model.
#include "core/run/replaced_run.h"

#include <memory>
#include <utility>
#include <vector>

#include "core/run/run_folder.h"
#include "tests/support/message_of.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::testing {
namespace {

namespace fs = std::filesystem;

class ReplacedRunTest : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    write_run("old", true);
    old_ = files("run");
  }
  void write_run(const std::string& what, bool model) const {
    for (const char* file : {"config.pbtxt", "metrics.jsonl", "events/events.out", "rejects/train-rank0.jsonl"})
      write(std::string("run/") + file, what);
    if (model) write("run/model/dense.safetensors", what);
    if (model) write_checkpoint(what);
  }
  void write_checkpoint(const std::string& what) const {
    write("run/checkpoints/step-0000000020/manifest.pbtxt", what);
  }
  // As a job that is killed there leaves it.
  void move(const std::string& from, const std::string& to) const {
    fs::create_directories((folder_ / "run" / to).parent_path());
    fs::rename(folder_ / "run" / from, folder_ / "run" / to);
  }
  void expect_old() const {
    EXPECT_EQ(files("run"), old_);
    for (const std::string& name : core::ReplacedRun::names()) EXPECT_FALSE(fs::exists(path("run/" + name))) << name;
  }
  [[nodiscard]] bool is_there(const std::string& name) const { return fs::exists(path("run/" + name)); }
  [[nodiscard]] std::vector<std::string> entries_that_are_there() const {
    std::vector<std::string> entries;
    for (const std::string& entry : core::RunFolder::own_entries())
      if (is_there(entry)) entries.push_back(entry);
    return entries;
  }

  std::map<std::string, std::string> old_;
  core::RunFolder run_{"unset"};
};

class Overwrite : public ReplacedRunTest {
 protected:
  void SetUp() override {
    ReplacedRunTest::SetUp();
    run_ = core::RunFolder(path("run"));
  }
};

TEST_F(Overwrite, NothingIsTouchedBeforeTheNewRunBegins) {
  const auto lock = run_.claim(true);
  expect_old();
}

TEST_F(Overwrite, ARunThatFailsPutsTheOldOneBack) {
  {
    const auto lock = run_.claim(true);
    run_.begin();
    EXPECT_TRUE(is_there(".replaced/model/dense.safetensors"));
    EXPECT_FALSE(is_there("model"));
    write_run("new", false);
    write("run/checkpoints/step-0000000005.partial/manifest.pbtxt", "new");
    run_.settle(true);
    EXPECT_TRUE(is_there(".replaced/model/dense.safetensors"));
  }
  expect_old();
}

TEST_F(Overwrite, TheFirstModelMakesTheOldRunGo) {
  {
    const auto lock = run_.claim(true);
    run_.begin();
    write_run("new", true);
    run_.settle(true);
    EXPECT_FALSE(is_there(".replaced"));
  }
  for (const auto& [name, text] : files("run")) EXPECT_EQ(text, "new") << name;
  EXPECT_EQ(files("run").size(), old_.size());
}

TEST_F(Overwrite, ACheckpointWithoutAModelKeepsBoth) {
  const auto fail_with_checkpoint = [&](const std::string& what) {
    const auto lock = run_.claim(true);
    run_.begin();
    write_run(what, false);
    write_checkpoint(what);
  };
  fail_with_checkpoint("second");
  EXPECT_EQ(read("run/checkpoints/step-0000000020/manifest.pbtxt"), "second");
  EXPECT_EQ(files("run/.replaced"), old_);
  run_.recover();  // nothing to do
  EXPECT_EQ(files("run/.replaced"), old_);
  {  // a third one that fails brings back what there was
    const auto lock = run_.claim(true);
    run_.begin();
    write_run("third", false);
    EXPECT_EQ(files("run/.replaced/.replaced"), old_);
  }
  EXPECT_EQ(read("run/checkpoints/step-0000000020/manifest.pbtxt"), "second");
  EXPECT_EQ(files("run/.replaced"), old_);
  write("run/model/dense.safetensors", "second");  // and the second one goes on
  { const auto lock = run_.reopen(); }
  EXPECT_FALSE(is_there(".replaced"));
}

TEST_F(Overwrite, KilledWhileTheOldRunIsSetAside) {
  const std::vector<std::string> entries = entries_that_are_there();
  ASSERT_EQ(entries.size(), 6u);
  for (size_t moved = 0; moved <= entries.size(); ++moved) {
    fs::create_directories(path("run/.replacing"));
    for (size_t i = 0; i < moved; ++i) move(entries[i], ".replacing/" + entries[i]);
    run_.recover();
    expect_old();
  }
}

TEST_F(Overwrite, KilledWhileTheNewRunHasNothing) {
  for (const bool begun : {false, true}) {
    for (const std::string& entry : entries_that_are_there()) move(entry, ".replaced/" + entry);
    if (begun) write_run("new", false);
    run_.recover();
    expect_old();
  }
}

TEST_F(Overwrite, KilledWhileTheOldRunIsPutBack) {
  const std::vector<std::string> entries = entries_that_are_there();
  for (size_t removed = 0; removed <= 4; ++removed) {  // of the new run's entries
    for (const std::string& entry : entries) move(entry, ".replaced/" + entry);
    write_run("new", false);
    fs::create_directories(path("run/.removing"));
    const std::vector<std::string> fresh = entries_that_are_there();
    for (size_t i = 0; i < removed; ++i) move(fresh[i], ".removing/" + fresh[i]);
    run_.recover();
    expect_old();
  }
}

TEST_F(Overwrite, KilledWhileTheOldRunGoes) {
  write("run/.removing/model/dense.safetensors", "older");
  run_.recover();
  expect_old();
  write("run/.replaced/model/dense.safetensors", "older");  // killed behind the new run's first model
  run_.recover();
  expect_old();
}

TEST_F(Overwrite, WhateverIsStartedNextPutsRight) {
  const auto kill = [&] {
    for (const std::string& entry : entries_that_are_there()) move(entry, ".replaced/" + entry);
    write_run("new", false);
  };
  kill();
  EXPECT_EQ(message_of([&] { static_cast<void>(run_.claim(false)); }),
            "[run] wanted a new folder for --output, " + path("run") +
                " already holds a run; choose another folder or pass --overwrite");
  expect_old();
  kill();
  { const auto lock = run_.claim(true); }
  expect_old();
  kill();
  { const auto lock = run_.reopen(); }
  expect_old();
}

TEST_F(Overwrite, SomethingInTheWayIsNamedAndStays) {
  move("config.pbtxt", ".replacing/config.pbtxt");
  write("run/config.pbtxt", "mine");
  EXPECT_EQ(message_of<DataError>([&] { run_.recover(); }),
            "[run] cannot move " + path("run/.replacing/config.pbtxt") + " to " + path("run/config.pbtxt") +
                ": something is there; move that to another place first");
  EXPECT_EQ(read("run/config.pbtxt"), "mine");
  EXPECT_EQ(read("run/.replacing/config.pbtxt"), "old");
}

TEST_F(Overwrite, LinksBetweenEntriesStayTrue) {
  move("model", "checkpoints/model");
  fs::create_symlink("checkpoints/model", path("run/model"));
  {
    const auto lock = run_.claim(true);
    run_.begin();
    EXPECT_EQ(read("run/.replaced/model/dense.safetensors"), "old");
  }
  EXPECT_EQ(read("run/model/dense.safetensors"), "old");
}

TEST_F(Overwrite, WhatOnlyLooksLikeARunIsAnothers) {
  write("other/model/weights.bin", "precious");
  for (const bool overwrite : {false, true})
    EXPECT_EQ(
        message_of([&] { static_cast<void>(core::RunFolder(path("other")).claim(overwrite)); }),
        "[run] wanted a new folder for --output, " + path("other") + " holds no run, but model; choose another folder");
  EXPECT_EQ(read("other/model/weights.bin"), "precious");
  fs::create_directories(path("empty/events"));
  write("empty/rejects/train-rank0.jsonl", "");
  const core::RunFolder empty(path("empty"));
  const auto lock = empty.claim(false);
  empty.begin();
  EXPECT_FALSE(fs::exists(path("empty/rejects/train-rank0.jsonl")));
}

TEST_F(Overwrite, DataInsideTheRun) {
  EXPECT_EQ(message_of([&] { run_.require_outside(path("run/model/part.parquet"), "data.train_files"); }),
            "[run] wanted data.train_files outside the run that --overwrite replaces, got " +
                path("run/model/part.parquet") + "; move it, or choose another --output");
  run_.require_outside(path("run/part.parquet"), "data.train_files");
  run_.require_outside(path("data/part.parquet"), "data.train_files");
}

}  // namespace
}  // namespace polyscene::testing
