// Environment variables of launchers that describe the job. They are read here, and in started_by_mpi(), which only
// tells whether there is a job.
#pragma once

#include <functional>
#include <string>

namespace polyscene {

struct Announced {
  int processes = 1;
  std::string variable;  // the variable that announces them; empty if there is none
};

// The result of gethostname().
[[nodiscard]] std::string host_name();

// The number of processes of this program that a launcher announces, including this one. `value_of` is std::getenv, or
// a stand-in in tests.
[[nodiscard]] Announced announced_processes(const std::function<const char*(const char*)>& value_of);

// Throws InvalidArgument when a launcher started several processes but MPI sees only this one: each would run by itself
// and write into the same folder.
void require_joined(const Announced& announced, int mpi_processes);

// Throws InvalidArgument when a launcher started several processes of a command that runs in one process: each would
// write the same output.
void require_alone(const Announced& announced, const char* command);

}  // namespace polyscene
