// What launchers say about a job in environment variables. Read here and, for whether there is a job at all, in
// started_by_mpi().
#pragma once

#include <functional>
#include <string>

namespace polyscene {

struct Announced {
  int processes = 1;
  std::string variable;  // that says so; empty where none does
};

// As gethostname() has it.
[[nodiscard]] std::string host_name();

// How many processes of this program a launcher says that it started, this one included. `value_of` is std::getenv in
// programs.
[[nodiscard]] Announced announced_processes(const std::function<const char*(const char*)>& value_of);

// Throws InvalidArgument when a launcher started several processes of which MPI sees this one alone: without an error
// each would run by itself and write into the same folder.
void require_joined(const Announced& announced, int mpi_processes);

// Throws InvalidArgument when a launcher started several processes of a command that runs alone: each would write the
// same output.
void require_alone(const Announced& announced, const char* command);

}  // namespace polyscene
