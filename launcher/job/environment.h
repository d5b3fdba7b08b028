// The environment variables by which mpirun, srun and other process managers describe a job. Only this file and
// started_by_mpi() (dist/world.h) read them.
#pragma once

#include <functional>
#include <string>

namespace polyscene::launcher {

// What the environment says of the job that this process belongs to.
struct LaunchedJob {
  int processes = 1;       // of this program, this one included
  bool only_rank = false;  // there is a rank but no size: `processes` is rank + 1, and the job may have more
  std::string variable;    // where this stands; empty if the environment describes no job
};

// The result of gethostname().
[[nodiscard]] std::string host_name();

// `value_of` is std::getenv, or a stand-in in tests. An empty variable counts as unset. Throws InvalidArgument if a
// variable holds something else than a number.
[[nodiscard]] LaunchedJob launched_job(const std::function<const char*(const char*)>& value_of);

// Throws InvalidArgument if the job has several processes but MPI sees only this one: each would run by itself and
// write into the same folder. Rank 0 of a job without a known size passes, since nothing tells of the others.
void require_joined(const LaunchedJob& job, int mpi_processes);

// Throws InvalidArgument if the job has several processes, but the command runs in one: each would write the same
// output. Rank 0 of a job without a known size passes here too.
void require_alone(const LaunchedJob& job, const char* command);

}  // namespace polyscene::launcher
