#include "launcher/job/environment.h"

#include <unistd.h>

#include <array>
#include <limits>
#include <optional>
#include <string_view>

#include "core/text/whole_number.h"
#include "ops/base/error.h"

namespace polyscene::launcher {

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

namespace {

int number_in(const char* variable, std::string_view text, int least) {
  const std::optional<int> number = core::whole_number<int>(text);
  require(number && *number >= least && *number < std::numeric_limits<int>::max(), "[launcher] wanted a number of at ",
          "least ", least, " in the environment variable ", variable, ", got \"", text,
          "\"; start the program with mpirun or srun, which set it, or unset ", variable);
  return *number;
}

}  // namespace

LaunchedJob launched_job(const std::function<const char*(const char*)>& value_of) {
  // SLURM_NTASKS is not read: a batch script has it too, and may start the program only once.
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"})
    if (const char* size = value_of(variable); size && *size)
      return {.processes = number_in(variable, size, 1), .variable = variable};
  for (const char* variable : {"PMIX_RANK", "PMI_RANK"})
    if (const char* rank = value_of(variable); rank && *rank)
      return {.processes = number_in(variable, rank, 0) + 1, .only_rank = true, .variable = variable};
  return {};
}

void require_joined(const LaunchedJob& job, int mpi_processes) {
  require(job.processes <= 1 || mpi_processes > 1, "[launcher] wanted an MPI job of the ", job.processes,
          job.only_rank ? " or more" : "", " processes that ", job.variable, " announces, got one process: each would ",
          "run by itself and write into the same folder; start them with mpirun or srun --mpi=pmix, or unset ",
          job.variable, " if this process is meant to run alone");
}

void require_alone(const LaunchedJob& job, const char* command) {
  require(job.processes <= 1, "[launcher] wanted one process for polyscene ", command, ", got the ", job.processes,
          job.only_rank ? " or more" : "", " that ", job.variable,
          " announces; start it without mpirun or srun, or unset ", job.variable);
}

}  // namespace polyscene::launcher
