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

// Those of the real ranks, divided by the virtual ones that share them.
int threads_per_virtual_rank(const RankOptions& options, int real_ranks, int ranks) {
  const int sharing = started_by_mpi() ? ranks_on_host() : real_ranks;
  return std::max(1, threads_per_rank(options, sharing) * real_ranks / ranks);
}

}  // namespace

int count_real_ranks(const RankOptions& options) {
  if (!started_by_mpi()) return std::max(1, options.local_ranks);
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    if (const char* size = std::getenv(variable)) return std::max(1, std::atoi(size));
  }
  return 0;
}

void run_ranks(const RankOptions& options, const std::function<void(Communicator&)>& body) {
  require(options.local_ranks == 0 || !started_by_mpi(), "[launcher] --local-ranks ", options.local_ranks,
          " makes ranks of this process's threads, but mpirun started it; use one or the other");
  const int started = count_real_ranks(options);
  const int ranks = options.virtual_ranks > 0 ? options.virtual_ranks : std::max(1, started);
  require(started <= ranks, "[launcher] ", started, " ranks were started to run the ", ranks,
          " of train.virtual_ranks; start at most ", ranks, ", or raise it, which makes another run");
  const int threads = threads_per_virtual_rank(options, started > 0 ? started : ranks, ranks);
  const auto run = [&](Communicator& communicator) {
    set_thread_count(threads);
    body(communicator);
  };
  const CommunicatorOptions communicator_options{.deadline = std::chrono::duration<double>(options.deadline_s)};
  if (started_by_mpi()) {
    if (options.virtual_ranks > 0)
      run_mpi_ranks(options.virtual_ranks, run, communicator_options);
    else
      run_mpi_rank(run, communicator_options);
  } else if (ranks > 1) {
    run_local_ranks(ranks, run, communicator_options);
  } else {
    run(*make_single_world());
  }
}

}  // namespace polyscene
