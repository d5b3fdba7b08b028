#include "launcher/job/environment.h"

#include <gtest/gtest.h>

#include <map>

#include "ops/base/error.h"
#include "tests/support/message_of.h"

namespace polyscene::launcher {
namespace {

// As "processes variable", or "processes+ variable" for a lower bound.
std::string job_of(const std::map<std::string, std::string>& environment) {
  const LaunchedJob job = launched_job([&](const char* name) {
    const auto entry = environment.find(name);
    return entry != environment.end() ? entry->second.c_str() : nullptr;
  });
  return str(job.processes, job.only_rank ? "+ " : " ", job.variable);
}

TEST(Environment, LaunchersAreBelieved) {
  EXPECT_EQ(job_of({}), "1 ");
  EXPECT_EQ(job_of({{"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_RANK", "0"}}), "4 OMPI_COMM_WORLD_SIZE");
  EXPECT_EQ(job_of({{"PMI_SIZE", "3"}, {"PMI_RANK", "2"}}), "3 PMI_SIZE");
  EXPECT_EQ(job_of({{"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_PROCID", "0"}}), "8 SLURM_STEP_NUM_TASKS");
  EXPECT_EQ(job_of({{"PMIX_RANK", "5"}}), "6+ PMIX_RANK");
  EXPECT_EQ(job_of({{"PMIX_RANK", "0"}}), "1+ PMIX_RANK");
  EXPECT_EQ(job_of({{"PMI_SIZE", ""}, {"PMIX_RANK", ""}}), "1 ");
}

// mpirun -np 1 in a step of several tasks; a batch script that asked for several.
TEST(Environment, OneProcessAmongTheTasksOfABatchSystem) {
  EXPECT_EQ(job_of({{"OMPI_COMM_WORLD_SIZE", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}}), "1 OMPI_COMM_WORLD_SIZE");
  EXPECT_EQ(job_of({{"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "0"}}), "1 ");
}

TEST(Environment, ProcessesThatMpiDoesNotJoinAreRefused) {
  EXPECT_NO_THROW(require_joined({}, 1));
  EXPECT_NO_THROW(require_joined({.processes = 1, .variable = "PMI_SIZE"}, 1));
  EXPECT_NO_THROW(require_joined({.processes = 4, .variable = "PMI_SIZE"}, 4));
  try {
    require_joined({.processes = 4, .variable = "PMI_SIZE"}, 1);
    FAIL();
  } catch (const InvalidArgument& error) {
    EXPECT_STREQ(
        error.what(),
        "[launcher] wanted an MPI job of the 4 processes that PMI_SIZE announces, got one process: "
        "each would run by itself and write into the same folder; start them with mpirun or srun --mpi=pmix, or "
        "unset PMI_SIZE if this process is meant to run alone");
  }
}

TEST(Environment, ARankAboveZeroTellsOfTheRanksBelowIt) {
  const LaunchedJob job{.processes = 6, .only_rank = true, .variable = "PMIX_RANK"};
  EXPECT_EQ(testing::message_of<InvalidArgument>([&] { require_joined(job, 1); }),
            "[launcher] wanted an MPI job of the 6 or more processes that PMIX_RANK announces, got one process: each "
            "would run by itself and write into the same folder; start them with mpirun or srun --mpi=pmix, or unset "
            "PMIX_RANK if this process is meant to run alone");
  EXPECT_EQ(testing::message_of<InvalidArgument>([&] { require_alone(job, "score"); }),
            "[launcher] wanted one process for polyscene score, got the 6 or more that PMIX_RANK announces; start it "
            "without mpirun or srun, or unset PMIX_RANK");
}

TEST(Environment, VariablesThatHoldNoNumberAreRefused) {
  const auto error = [](const char* variable, const std::string& text) {
    return testing::message_of<InvalidArgument>([&] { job_of({{variable, text}}); });
  };
  const auto refused = [](const char* variable, int least, const std::string& text) {
    return str("[launcher] wanted a number of at least ", least, " in the environment variable ", variable, ", got \"",
               text, "\"; start the program with mpirun or srun, which set it, or unset ", variable);
  };
  for (const char* text : {"two", "2x", "-1", "0", "99999999999"})
    EXPECT_EQ(error("PMI_SIZE", text), refused("PMI_SIZE", 1, text));
  for (const char* text : {"-1", "2147483647", "4294967295"})
    EXPECT_EQ(error("PMIX_RANK", text), refused("PMIX_RANK", 0, text));
}

TEST(Environment, CommandsThatRunAloneAreRefusedUnderALauncher) {
  EXPECT_NO_THROW(require_alone({}, "export"));
  EXPECT_NO_THROW(require_alone({.processes = 1, .variable = "PMI_SIZE"}, "export"));
  try {
    require_alone({.processes = 2, .variable = "OMPI_COMM_WORLD_SIZE"}, "export");
    FAIL();
  } catch (const InvalidArgument& error) {
    EXPECT_STREQ(error.what(),
                 "[launcher] wanted one process for polyscene export, got the 2 that OMPI_COMM_WORLD_SIZE announces; "
                 "start it without mpirun or srun, or unset OMPI_COMM_WORLD_SIZE");
  }
}

}  // namespace
}  // namespace polyscene::launcher
