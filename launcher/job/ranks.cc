#include "launcher/job/ranks.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "dist/world.h"
#include "ops/base/thread.h"

namespace polyscene {
namespace {

// Ranks of this job on this host, as Open MPI tells them.
int ranks_on_host() {
  const char* size = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  return size != nullptr ? std::max(1, std::atoi(size)) : 1;
}

// The processors that this process may use, divided by the ranks that share them: mpirun may have bound each rank to
// a core, a socket, or nothing.
int threads_per_rank(const RankOptions& options, int ranks_here) {
  if (options.threads > 0) return options.threads;
  const int mine = available_processors();
  const int all = std::max(mine, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
  const int sharing = std::max(1, (ranks_here * mine + all / 2) / all);
  return std::max(1, mine / sharing);
}

}  // namespace

void run_ranks(const RankOptions& options, const std::function<void(Communicator&)>& body) {
  const CommunicatorOptions communicator_options{.deadline = std::chrono::duration<double>(options.deadline_s)};
  if (options.local_ranks > 0) {
    require(!started_by_mpi(), "[launcher] --local-ranks ", options.local_ranks,
            " makes ranks of this process's threads, but mpirun started it; use one or the other");
    const int threads = threads_per_rank(options, options.local_ranks);
    run_local_ranks(
        options.local_ranks,
        [&](Communicator& communicator) {
          set_thread_count(threads);
          body(communicator);
        },
        communicator_options);
    return;
  }
  if (started_by_mpi()) {
    set_thread_count(threads_per_rank(options, ranks_on_host()));
    run_mpi_rank(body, communicator_options);
    return;
  }
  set_thread_count(threads_per_rank(options, 1));
  body(*make_single_world());
}

}  // namespace polyscene
