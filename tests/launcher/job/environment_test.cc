#include "launcher/job/environment.h"

#include <gtest/gtest.h>

#include <map>

#include "ops/base/error.h"

namespace polyscene {
namespace {

// As "processes variable".
std::string announced(const std::map<std::string, std::string>& environment) {
  const Announced found = announced_processes([&](const char* name) {
    const auto entry = environment.find(name);
    return entry != environment.end() ? entry->second.c_str() : nullptr;
  });
  return str(found.processes, " ", found.variable);
}

TEST(Environment, LaunchersAreBelieved) {
  EXPECT_EQ(announced({}), "1 ");
  EXPECT_EQ(announced({{"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_RANK", "0"}}), "4 OMPI_COMM_WORLD_SIZE");
  EXPECT_EQ(announced({{"PMI_SIZE", "3"}, {"PMI_RANK", "2"}}), "3 PMI_SIZE");
  EXPECT_EQ(announced({{"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_PROCID", "0"}}), "8 SLURM_STEP_NUM_TASKS");
  EXPECT_EQ(announced({{"PMIX_RANK", "5"}}), "6 PMIX_RANK");
  EXPECT_EQ(announced({{"PMIX_RANK", "0"}}), "1 PMIX_RANK");
}

// mpirun -np 1 in a step of several tasks; a batch script that asked for several.
TEST(Environment, OneProcessAmongTheTasksOfABatchSystem) {
  EXPECT_EQ(announced({{"OMPI_COMM_WORLD_SIZE", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}}), "1 OMPI_COMM_WORLD_SIZE");
  EXPECT_EQ(announced({{"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "0"}}), "1 ");
}

TEST(Environment, ProcessesThatMpiDoesNotJoinAreRefused) {
  EXPECT_NO_THROW(require_joined({}, 1));
  EXPECT_NO_THROW(require_joined({1, "PMI_SIZE"}, 1));
  EXPECT_NO_THROW(require_joined({4, "PMI_SIZE"}, 4));
  try {
    require_joined({4, "PMI_SIZE"}, 1);
    FAIL();
  } catch (const InvalidArgument& error) {
    EXPECT_STREQ(
        error.what(),
        "[launcher] wanted one job of the 4 processes that PMI_SIZE tells of, but MPI joins this one to no other: "
        "each would run by itself and write into the same folder; start them with mpirun or srun --mpi=pmix, or "
        "unset PMI_SIZE if this process is meant to be alone");
  }
}

TEST(Environment, CommandsThatRunAloneAreRefusedUnderALauncher) {
  EXPECT_NO_THROW(require_alone({}, "export"));
  EXPECT_NO_THROW(require_alone({1, "PMI_SIZE"}, "export"));
  try {
    require_alone({2, "OMPI_COMM_WORLD_SIZE"}, "export");
    FAIL();
  } catch (const InvalidArgument& error) {
    EXPECT_STREQ(
        error.what(),
        "[launcher] wanted one process for polyscene export, which runs alone, but OMPI_COMM_WORLD_SIZE tells of "
        "2; start it without mpirun or srun, or unset OMPI_COMM_WORLD_SIZE");
  }
}

}  // namespace
}  // namespace polyscene
