// Jobs of mpirun that fail: starts dist_mpi_scenario under mpirun and reads what it says and how it ends.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <sstream>

#include "tests/dist/failure/scenario.h"

namespace polyscene::dist {
namespace {

using testing::Outcome;
using testing::Scenario;
using testing::scenarios;

struct Job {
  Outcome outcome;
  std::string output;

  // What any rank or mpirun said.
  void expect_said(const std::string& text) const {
    EXPECT_NE(output.find(text), std::string::npos) << "wanted: " << text << "\ngot:\n" << output;
  }
  void expect_failed() const {
    EXPECT_NE(outcome.exit_code, 0) << output;
    EXPECT_LT(outcome.seconds, 15.0) << output;
  }
};

std::vector<std::string> parse_errors(const std::string& output, int ranks) {
  std::vector<std::string> errors(static_cast<size_t>(ranks));
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    int rank = -1, start = 0;
    if (std::sscanf(line.c_str(), "ERROR %d %n", &rank, &start) == 1 && rank >= 0 && rank < ranks) {
      errors[static_cast<size_t>(rank)] = line.substr(static_cast<size_t>(start));
    }
  }
  return errors;
}

// As a rank per process, or with `hosted` ranks on that many processes.
Job run_job(const std::string& name, int processes, int hosted = 0) {
  const std::string command =
      str(POLYSCENE_MPIEXEC, " --allow-run-as-root --oversubscribe --bind-to none -np ", processes, " ",
          POLYSCENE_SCENARIO, " ", name, " ", hosted > 0 ? std::to_string(hosted) : "", " 2>&1");
  Job job;
  const auto start = std::chrono::steady_clock::now();
  FILE* pipe = ::popen(command.c_str(), "r");
  require(pipe != nullptr, "cannot run ", command);
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) job.output.append(buffer, n);
  const int status = ::pclose(pipe);
  job.outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  job.outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  job.outcome.errors = parse_errors(job.output, hosted > 0 ? hosted : processes);
  return job;
}

class MpiFailure : public ::testing::TestWithParam<size_t> {};

TEST_P(MpiFailure, EndsAllRanks) {
  const Scenario& scenario = scenarios()[GetParam()];
  const Job job = run_job(scenario.name, scenario.ranks);
  scenario.check(job.outcome);
  if (HasFailure()) std::cout << job.output;
}

INSTANTIATE_TEST_SUITE_P(Scenarios, MpiFailure, ::testing::Range(size_t{0}, scenarios().size()),
                         [](const auto& instance) { return scenarios()[instance.param].name; });

// Two ranks to a process, and an odd one: the ranks say what they would say as processes.
TEST_P(MpiFailure, EndsAllHostedRanks) {
  const Scenario& scenario = scenarios()[GetParam()];
  const Job job = run_job(scenario.name, (scenario.ranks + 1) / 2, scenario.ranks);
  scenario.check(job.outcome);
  if (HasFailure()) std::cout << job.output;
}

TEST(MpiProcess, KilledIsNamedByMpirun) {
  const Job job = run_job("killed", 3);
  job.expect_failed();
  job.expect_said("process rank 1");
  job.expect_said("exited on signal 9 (Killed)");
}

// mpirun sees nothing wrong with a process that hangs: the deadline does.
TEST(MpiProcess, HangingIsNamedByTheDeadline) {
  const Job job = run_job("stopped", 2);
  job.expect_failed();
  job.expect_said("ERROR 0 [dist.all_reduce] rank 0 of 2 waited 1.0 s for rank 1; look at what");
}

TEST(MpiProcess, HangingWhileDataMovesIsNamedByTheDeadline) {
  const Job job = run_job("stopped_while_data_moves", 2);
  job.expect_failed();
  job.expect_said("ERROR 0 [dist.all_reduce] rank 0 of 2 waited 1.0 s for rank 1; look at what");
}

// All its ranks hang with it; those that were still heard of in time are not missed.
TEST(MpiProcess, HangingWithHostedRanksIsNamedByTheDeadline) {
  const Job job = run_job("stopped", 2, 4);
  job.expect_failed();
  EXPECT_TRUE(job.output.find("of 4 waited 1.0 s for ranks 0, 1; look at what") != std::string::npos ||
              job.output.find("of 4 waited 1.0 s for rank 1; look at what") != std::string::npos)
      << job.output;
}

TEST(MpiProcess, HangingWithHostedRanksWhileDataMovesIsNamedByTheDeadline) {
  const Job job = run_job("stopped_while_data_moves", 2, 4);
  job.expect_failed();
  job.expect_said(" of 4 waited 1.0 s for rank");
}

TEST(MpiProcess, MoreProcessesThanRanksAreRefused) {
  const Job job = run_job("killed", 3, 2);
  EXPECT_EQ(job.outcome.exit_code, 2) << job.output;
  job.expect_said("[dist.run_mpi_ranks] wanted at least one rank for each of the 3 processes, got 2; start at most");
}

TEST(MpiProcess, ExitInTheMiddleIsAFailureWhateverTheCode) {
  const std::string text =
      " of 3 stopped because rank 1 of the world failed: it exited while its communicator was in use";
  for (const std::string name : {"exited_with_0", "exited_with_7"}) {
    const Job job = run_job(name, 3);
    job.expect_failed();
    job.expect_said("ERROR 0 [dist.all_reduce] rank 0" + text);
    job.expect_said("ERROR 2 [dist.all_reduce] rank 2" + text);
  }
  const Job job = run_job("exited_with_7", 3);
  EXPECT_EQ(job.outcome.exit_code, 7) << job.output;
}

TEST(MpiProcess, ExitWithoutHandlersIsSeenByMpirun) {
  const Job job = run_job("exited_with_0_at_once", 3);
  job.expect_failed();
  job.expect_said("process rank 1");
}

TEST(MpiProcess, ASwallowedFailureStillFailsTheJob) { run_job("swallowed", 3).expect_failed(); }

TEST(MpiProcess, AnExceptionThroughTheWorldEndsTheOthers) {
  const Job job = run_job("unreported", 3);
  job.expect_failed();
  EXPECT_EQ(job.outcome.errors[1], "not reported");
  job.expect_said("rank 0 of 3 stopped because rank 1 of the world failed: its communicator was left by an exception");
  EXPECT_EQ(job.outcome.exit_code, 3) << job.output;
}

TEST(MpiProcess, TheLastMeetingHasADeadlineToo) {
  const Job job = run_job("late_at_the_end", 2);
  job.expect_failed();
  job.expect_said("[dist.leave] rank 0 of 2 waited 1.0 s for rank 1; look at what");
}

TEST(MpiProcess, MpiStartsOnlyOnce) {
  const Job job = run_job("again_after_the_end", 2);
  EXPECT_EQ(job.outcome.exit_code, 2) << job.output;
  job.expect_said("[dist.make_mpi_world] MPI was finalised with the last communicator and cannot be started again");
}

TEST(MpiProcess, AFailedJobStartsNothingNew) {
  const Job job = run_job("again_after_a_failure", 1);
  EXPECT_EQ(job.outcome.exit_code, 2) << job.output;
  job.expect_said(
      "[dist.make_mpi_world] the job has failed; no new world can be made; let the first error end the program");
}

}  // namespace
}  // namespace polyscene::dist
