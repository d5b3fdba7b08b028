#include "launcher/job/environment.h"

#include <unistd.h>

#include <array>
#include <cstdlib>

#include "ops/base/error.h"

namespace polyscene {

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

// SLURM_NTASKS is not used: a batch script has it too, and may start the program only once.
Announced announced_processes(const std::function<const char*(const char*)>& value_of) {
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"})
    if (const char* size = value_of(variable)) return {std::atoi(size), variable};
  // These launchers give no size, but a rank above 0 implies the ranks below it.
  for (const char* variable : {"PMIX_RANK", "PMI_RANK"})
    if (const char* rank = value_of(variable)) return {std::atoi(rank) + 1, variable};
  return {};
}

void require_joined(const Announced& announced, int mpi_processes) {
  require(announced.processes <= 1 || mpi_processes > 1, "[launcher] wanted one job of the ", announced.processes,
          " processes that ", announced.variable, " tells of, but MPI joins this one to no other: each would run by ",
          "itself and write into the same folder; start them with mpirun or srun --mpi=pmix, or unset ",
          announced.variable, " if this process is meant to be alone");
}

void require_alone(const Announced& announced, const char* command) {
  require(announced.processes <= 1, "[launcher] wanted one process for polyscene ", command, ", which runs alone, but ",
          announced.variable, " tells of ", announced.processes, "; start it without mpirun or srun, or unset ",
          announced.variable);
}

}  // namespace polyscene
