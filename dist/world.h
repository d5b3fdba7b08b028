// Ways to get a communicator.
#pragma once

#include <functional>
#include <memory>

#include "dist/communicator.h"

namespace polyscene {

// Runs body(communicator) on `ranks` threads of this process and waits for all. If any rank throws, the others'
// waits are aborted, and the error of the rank that failed first is rethrown (a peer's "aborted" error never hides it).
void run_local_ranks(int ranks, const std::function<void(Communicator&)>& body, CommunicatorOptions options = {});

// True when the process was started by mpirun (or another launcher that sets Open MPI's or PMI's environment).
[[nodiscard]] bool started_by_mpi();

// The world of an mpirun job, or of one rank without mpirun. Initialises MPI (MPI_THREAD_MULTIPLE asked for) on first
// use; MPI is finalised when the last communicator is gone, or aborted when the communicator is broken.
[[nodiscard]] std::unique_ptr<Communicator> make_mpi_world(CommunicatorOptions options = {});

// Runs body(communicator) on this process's rank of the mpirun job. If it throws, the other ranks are told and the
// error is rethrown; let it reach main, print it and return its exit code.
void run_mpi_rank(const std::function<void(Communicator&)>& body, CommunicatorOptions options = {});

// A world of one: every operation is the identity.
[[nodiscard]] std::unique_ptr<Communicator> make_single_world();

}  // namespace polyscene
