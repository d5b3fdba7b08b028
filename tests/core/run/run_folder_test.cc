// Whose a run's folder is, and what is said where it cannot be made, locked or put right. core/files has what becomes
// of a run that is overwritten.
#include "core/run/run_folder.h"

#include <glog/logging.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/support/message_of.h"
#include "tests/support/size_limit.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::testing {
namespace {

namespace fs = std::filesystem;

std::string this_process() {
  std::array<char, 200> host{};
  ::gethostname(host.data(), host.size() - 1);
  return str("process ", ::getpid(), " on ", host.data());
}

// What is logged while it lives.
class Logged : public google::LogSink {
 public:
  Logged() { google::AddLogSink(this); }
  ~Logged() override { google::RemoveLogSink(this); }
  void send(google::LogSeverity, const char*, const char*, int, const google::LogMessageTime&, const char* message,
            size_t length) override {
    said.emplace_back(message, length);
  }
  std::vector<std::string> said;
};

class RunFolderTest : public FolderTest {
 protected:
  [[nodiscard]] core::RunFolder run() const { return core::RunFolder(path("run")); }
  [[nodiscard]] bool is_there(const std::string& name) const { return fs::exists(path(name)); }
  [[nodiscard]] static std::string claim(const core::RunFolder& folder, bool overwrite = false) {
    return message_of<Error>([&] { static_cast<void>(folder.claim(overwrite)); });
  }
  [[nodiscard]] std::string not_new(const std::string& why) const {
    return "[run] wanted a new folder for --output, " + path("run") + " " + why;
  }
};

TEST_F(RunFolderTest, AnEmptyNameIsRefused) {
  EXPECT_EQ(message_of([] { const core::RunFolder folder(""); }),
            "[run] wanted the folder of a run, got an empty name; is a variable on the command line unset?");
}

TEST_F(RunFolderTest, NamesHaveNoDotsAndNoLastSlash) {
  EXPECT_EQ(core::RunFolder("runs/./a/../b//").path(), "runs/b");
  EXPECT_EQ(core::RunFolder("./").path(), ".");
  EXPECT_EQ(core::RunFolder("//").path(), "/");
  const core::RunFolder folder("runs/b/");
  EXPECT_EQ(folder.config(), "runs/b/config.pbtxt");
  EXPECT_EQ(folder.metrics(), "runs/b/metrics.jsonl");
  EXPECT_EQ(folder.events(), "runs/b/events");
  EXPECT_EQ(folder.model(), "runs/b/model");
  EXPECT_EQ(folder.best_model(), "runs/b/best_model");
  EXPECT_EQ(folder.earlier_best_model(), "runs/b/earlier_best_model");
  EXPECT_EQ(folder.models(), "runs/b/models");
  EXPECT_EQ(folder.checkpoints(), "runs/b/checkpoints");
  EXPECT_EQ(folder.rejects(), "runs/b/rejects");
  EXPECT_EQ(folder.lock_file(), "runs/b/lock");
}

TEST_F(RunFolderTest, ANewOneIsMadeWithItsParentsAndHoldsTheLockAlone) {
  const core::RunFolder folder(path("new/deep/run/"));
  const auto lock = folder.claim(false);
  EXPECT_EQ(read("new/deep/run/lock"), this_process());
  EXPECT_TRUE(files("new").empty()) << "nothing but the lock is made before the run begins";
  folder.begin();
  EXPECT_TRUE(fs::is_directory(folder.events()));
  EXPECT_TRUE(fs::is_directory(folder.rejects()));
}

TEST_F(RunFolderTest, AFolderThatCannotBeMadeIsNamed) {
  const auto refused = [](const std::string& folder, const std::string& why) {
    return "[run] cannot make the folder " + folder + ": " + why + "; choose another place";
  };
  write("file", "mine");
  for (const std::string name : {"file", "file/run", "file/deep/run"})
    EXPECT_EQ(claim(core::RunFolder(path(name))), refused(path(name), "Not a directory"));
  EXPECT_EQ(read("file"), "mine");
  EXPECT_EQ(claim(core::RunFolder("/proc/polyscene_run")), refused("/proc/polyscene_run", "No such file or directory"));
  const std::string longer_than_names_are(300, 'x');
  EXPECT_EQ(claim(core::RunFolder(path(longer_than_names_are))),
            refused(path(longer_than_names_are), "File name too long"));
}

TEST_F(RunFolderTest, OtherFilesMakeItAnothersWithAndWithoutOverwrite) {
  write("run/config.pbtxt", "a run");
  write("run/notes.txt", "mine");
  for (const bool overwrite : {false, true})
    EXPECT_EQ(claim(run(), overwrite), not_new("holds other files (notes.txt); choose another folder"));
  EXPECT_EQ(files("run"), (std::map<std::string, std::string>{{"config.pbtxt", "a run"}, {"notes.txt", "mine"}}));
  EXPECT_FALSE(is_there("run/lock"));
}

TEST_F(RunFolderTest, AConfigurationAModelOrACheckpointMakesItARun) {
  for (const char* file :
       {"config.pbtxt", "model/dense.safetensors", "checkpoints/step-0000000001/manifest.pbtxt", "checkpoints/any"}) {
    write(std::string("run/") + file, "x");
    EXPECT_EQ(claim(run()), not_new("already holds a run; choose another folder or pass --overwrite")) << file;
    EXPECT_EQ(claim(run(), true), "nothing thrown") << file;
    EXPECT_TRUE(is_there(std::string("run/") + file)) << "nothing was begun";
    fs::remove_all(path("run"));
  }
}

TEST_F(RunFolderTest, APartOfNoRunIsAnothersUnlessItHoldsNothing) {
  write("run/metrics.jsonl", "{}");
  EXPECT_EQ(claim(run(), true), not_new("holds no run, but metrics.jsonl; choose another folder"));
  fs::remove(path("run/metrics.jsonl"));
  fs::create_symlink("somewhere", path("run/best_model"));
  EXPECT_EQ(claim(run(), true), not_new("holds no run, but best_model; choose another folder"));
  fs::remove(path("run/best_model"));
  write("run/rejects/deep/part", "x");
  EXPECT_EQ(claim(run(), true), not_new("holds no run, but rejects; choose another folder"));
  write("run/rejects/deep/part", "");
  write("run/metrics.jsonl", "");
  write("run/events", "");  // a file where a folder is to be
  fs::create_directories(path("run/checkpoints/step-0000000001.partial/tables"));
  const auto lock = run().claim(false);
  run().begin();
  EXPECT_TRUE(files("run").empty());
  EXPECT_TRUE(fs::is_directory(path("run/events")));
  EXPECT_FALSE(is_there("run/checkpoints"));
}

TEST_F(RunFolderTest, ALockThatCannotBeOpenedIsNamed) {
  write("run/lock/in the way", "x");
  const std::string refused = "[run] cannot open " + path("run/lock") + ": Is a directory; choose another place";
  EXPECT_EQ(claim(run()), refused);
  EXPECT_EQ(message_of<DataError>([&] { static_cast<void>(run().reopen()); }), refused);
  EXPECT_EQ(message_of<DataError>([&] { static_cast<void>(core::RunFolder(path("gone")).reopen()); }),
            "[run] cannot open " + path("gone/lock") + ": No such file or directory; there is no folder " +
                path("gone") + ": make it first, or choose another place");
}

TEST_F(RunFolderTest, ALockThatAFullDiskDoesNotTakeIsNamedAndGivenBack) {
  {
    const SizeLimit limit(0);
    for (int job = 0; job < 2; ++job)
      EXPECT_EQ(claim(run()),
                "[run] cannot write " + path("run/lock") +
                    ": File too large; files of this size are forbidden here: raise ulimit -f or choose another place");
  }
  const auto lock = run().claim(false);
  EXPECT_EQ(read("run/lock"), this_process());
}

TEST_F(RunFolderTest, TheNextJobWaitsUntilTheLockGoes) {
  std::shared_ptr<void> first = run().claim(false);
  std::atomic<bool> given_back = false;
  std::thread job([&] {
    const auto second = run().reopen();
    EXPECT_TRUE(given_back);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  given_back = true;
  first.reset();
  job.join();
}

TEST_F(RunFolderTest, WhatTheJobThatWasWaitedForMadeIsSeen) {
  std::shared_ptr<void> first = run().claim(false);
  std::string said;
  std::thread job([&] { said = claim(run()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  write("run/config.pbtxt", "of the first");
  first.reset();
  job.join();
  EXPECT_EQ(said, not_new("already holds a run; choose another folder or pass --overwrite"));
  EXPECT_EQ(read("run/config.pbtxt"), "of the first");
}

TEST_F(RunFolderTest, GoingOnListsBadRecordsAnewAndLeavesTheRest) {
  write("run/config.pbtxt", "x");
  write("run/rejects/train-rank0.jsonl", "{}");
  write("run/rejects/train-rank17.jsonl", "{}");
  write("run/rejects/notes.txt", "mine");
  const auto lock = run().reopen();
  EXPECT_TRUE(is_there("run/rejects/train-rank0.jsonl")) << "until the run goes on";
  run().resume();
  EXPECT_EQ(files("run"), (std::map<std::string, std::string>{{"config.pbtxt", "x"}, {"rejects/notes.txt", "mine"}}));
  EXPECT_TRUE(fs::is_directory(path("run/events"))) << "a copy may have left it out";
}

TEST_F(RunFolderTest, GoingOnNamesTheFolderThatCannotBe) {
  write("run/config.pbtxt", "x");
  write("run/events", "a file");
  const auto lock = run().reopen();
  EXPECT_EQ(message_of<DataError>([&] { run().resume(); }),
            "[run] cannot make the folder " + path("run/events") + ": Not a directory; choose another place");
  EXPECT_EQ(read("run/events"), "a file");
}

TEST_F(RunFolderTest, ARunThatCannotBeSetAsideStaysAndWhatIsInTheWayIsNamed) {
  write("run/config.pbtxt", "old");
  write("run/model/dense.safetensors", "old");
  const auto lock = run().claim(true);
  write("run/.replacing/model", "in the way");  // of the second entry: the first has moved by then
  EXPECT_EQ(message_of<DataError>([&] { run().begin(); }),
            "[run] cannot move " + path("run/.replacing/model") + " to " + path("run/model") +
                ": something is there; move that to another place first");
  EXPECT_EQ(read("run/config.pbtxt"), "old");
  EXPECT_EQ(read("run/model/dense.safetensors"), "old");
  fs::remove(path("run/.replacing/model"));
  run().begin();
  EXPECT_EQ(files("run/.replaced"),
            (std::map<std::string, std::string>{{"config.pbtxt", "old"}, {"model/dense.safetensors", "old"}}));
}

TEST_F(RunFolderTest, WhatComesBackIsSaidOnce) {
  write("run/config.pbtxt", "old");
  std::shared_ptr<void> lock = run().claim(true);
  run().begin();
  write("run/config.pbtxt", "new");
  const Logged logged;
  lock.reset();
  run().recover();
  EXPECT_EQ(logged.said,
            std::vector<std::string>{"polyscene: warning: [run] the run that --overwrite was to replace is back in " +
                                     path("run") + ": the new one has saved nothing"});
  EXPECT_EQ(read("run/config.pbtxt"), "old");
}

TEST_F(RunFolderTest, MovesThatAKilledJobLeftAreSaid) {
  write("run/.replacing/config.pbtxt", "old");
  const Logged logged;
  run().recover();
  EXPECT_EQ(logged.said,
            std::vector<std::string>{"polyscene: warning: [run] the run that --overwrite was to replace is back in " +
                                     path("run")});
  EXPECT_EQ(read("run/config.pbtxt"), "old");
}

TEST_F(RunFolderTest, NothingIsSaidToBeBackWhereNothingHadMoved) {
  write("run/config.pbtxt", "old");
  fs::create_directories(path("run/.replacing"));
  const Logged logged;
  run().recover();
  EXPECT_EQ(logged.said, std::vector<std::string>{});
  EXPECT_FALSE(is_there("run/.replacing"));
  EXPECT_EQ(read("run/config.pbtxt"), "old");
}

TEST_F(RunFolderTest, BothRunsAreNamedWhileTheNewOneHasACheckpointOnly) {
  write("run/config.pbtxt", "old");
  std::shared_ptr<void> lock = run().claim(true);
  run().begin();
  write("run/checkpoints/step-0000000001/manifest.pbtxt", "new");
  const Logged logged;
  run().settle(true);
  EXPECT_EQ(logged.said, std::vector<std::string>{}) << "the run goes on";
  lock.reset();
  EXPECT_EQ(logged.said, std::vector<std::string>{"polyscene: warning: [run] " + path("run") +
                                                  " has a checkpoint to resume from and no model yet; the run that "
                                                  "--overwrite was to replace is complete in " +
                                                  path("run/.replaced") + " until it has one"});
  EXPECT_EQ(read("run/.replaced/config.pbtxt"), "old");
}

// A lock is given back while an error goes up: a second one may not end the process, and nothing is lost.
TEST_F(RunFolderTest, ASecondFailureWhileTheLockIsGivenBackIsSaidAndTheNextJobPutsRight) {
  write("run/config.pbtxt", "old");
  std::shared_ptr<void> lock = run().claim(true);
  run().begin();
  write("run/.replacing/others", "mine");
  const Logged logged;
  lock.reset();
  const std::string cannot = "[run] cannot move " + path("run/.replaced") + " to " + path("run/.replacing") +
                             ": something is there; move that to another place first";
  EXPECT_EQ(logged.said, std::vector<std::string>{"polyscene: warning: " + cannot +
                                                  "; the run that --overwrite was to replace is in " + path("run") +
                                                  "/.replaced or .replacing, and the next job there tries again"});
  EXPECT_EQ(read("run/.replaced/config.pbtxt"), "old");
  EXPECT_EQ(message_of<DataError>([&] { static_cast<void>(run().reopen()); }), cannot);
  fs::remove_all(path("run/.replacing"));
  { const auto next = run().reopen(); }
  EXPECT_EQ(files("run"), (std::map<std::string, std::string>{{"config.pbtxt", "old"}}));
}

TEST_F(RunFolderTest, AFileOfTheRunIsFoundBehindLinks) {
  write("run/model/part.parquet", "rows");
  fs::create_directory_symlink("run", path("link_to_run"));
  fs::create_directory_symlink("run/model", path("link_to_model"));
  const auto refused = [&](const core::RunFolder& folder, const std::string& file) {
    EXPECT_EQ(message_of([&] { folder.require_outside(path(file), "data.train_files"); }),
              "[run] wanted data.train_files outside the run that --overwrite replaces, got " + path(file) +
                  "; move it, or choose another --output");
  };
  for (const char* file : {"run/model/part.parquet", "link_to_run/model/part.parquet", "link_to_model/part.parquet",
                           "run/../run/model/part.parquet", "run/checkpoints"}) {
    refused(run(), file);
    refused(core::RunFolder(path("link_to_run")), file);
  }
  for (const char* file : {"run/part.parquet", "run/models.parquet", "run/model.old/part.parquet", "part.parquet"})
    EXPECT_EQ(message_of([&] { run().require_outside(path(file), "data.train_files"); }), "nothing thrown") << file;
}

}  // namespace
}  // namespace polyscene::testing
