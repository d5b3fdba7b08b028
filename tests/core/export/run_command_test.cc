#include "core/export/run_command.h"

#include <csignal>
#include <cstdlib>

#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

using RunCommand = testing::FolderTest;

TEST_F(RunCommand, EndsInWords) {
  EXPECT_EQ(run_command("test -d", "/"), "");
  EXPECT_EQ(run_command("exit 3; :", "/"), "exit code 3");
  EXPECT_EQ(run_command("kill -9 $$; :", "/"), "signal 9");
  EXPECT_EQ(run_command("no_such_program_here 2>/dev/null", "/"), "exit code 127");
}

TEST_F(RunCommand, TheArgumentIsOneWordWhateverItHolds) {
  for (const char* argument : {"plain", "two words", "it's", "$(touch gone) `x` \"q\" ; * \\", "-n", ""}) {
    EXPECT_EQ(run_command("> '" + path("seen") + "' printf '[%s]' 'a b'", argument), "");
    EXPECT_EQ(read("seen"), "[a b][" + std::string(argument) + "]");
  }
}

// What the program has set for its own threads would be a riddle to another.
TEST_F(RunCommand, SignalsAreAsUsualInTheCommand) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const auto pipe_before = std::signal(SIGPIPE, SIG_IGN);
  const std::string ended = run_command("grep -E '^Sig(Blk|Ign)' /proc/self/status > '" + path("seen") + "'; :", "x");
  std::signal(SIGPIPE, pipe_before);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(ended, "");
  const std::string seen = read("seen");
  EXPECT_TRUE(seen.starts_with("SigBlk:\t0000000000000000\nSigIgn:\t")) << seen;
  const size_t ignored = seen.rfind('\t');
  EXPECT_EQ(std::strtoull(seen.c_str() + ignored, nullptr, 16) >> (SIGPIPE - 1) & 1, 0u) << seen;
}

}  // namespace
}  // namespace polyscene::core
