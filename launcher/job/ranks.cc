#include "launcher/job/ranks.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <string>

#include "dist/world.h"
#include "launcher/job/environment.h"
#include "launcher/job/own_words.h"
#include "ops/base/thread.h"

namespace polyscene {
namespace {

CommunicatorOptions communicator_options(const RankOptions& options) {
  return {.deadline = std::chrono::duration<double>(options.deadline_s)};
}

// Processes of the job on this host. Hosts are told apart by name: launchers agree on no variable for it.
int processes_here(Communicator& processes) {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  const auto mine = static_cast<int64_t>(std::hash<std::string>()(name.data()));
  std::vector<int64_t> all(static_cast<size_t>(processes.size()));
  processes.all_gather<int64_t>({&mine, 1}, all);
  return static_cast<int>(std::ranges::count(all, mine));
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

Ranks::Ranks(const RankOptions& options) : options_(options) {
  const bool under_mpirun = started_by_mpi();
  require(options.local_ranks == 0 || !under_mpirun, "[launcher] --local-ranks ", options.local_ranks,
          " makes ranks of this process's threads, but mpirun started it; use one or the other");
  // Before MPI starts: alone, it sets variables by itself.
  const Announced announced = announced_processes([](const char* variable) { return std::getenv(variable); });
  if (under_mpirun) processes_ = make_mpi_world(communicator_options(options));
  require_joined(announced, processes_ ? processes_->size() : 1);

  real_ = processes_ ? processes_->size() : std::max(1, options.local_ranks);
  ranks_ = options.virtual_ranks > 0 ? options.virtual_ranks : real_;
  require(real_ <= ranks_, "[launcher] ", real_, " ranks were started to run the ", ranks_,
          " of train.virtual_ranks; start at most ", ranks_, ", or raise it, which makes another run");
  const int sharing = processes_ ? processes_here(*processes_) : real_;
  threads_ = std::max(1, threads_per_rank(options, sharing) * real_ / ranks_);
}

void Ranks::run(const std::function<void(Communicator&)>& body) const {
  const auto run = [&](Communicator& communicator) {
    set_thread_count(threads_);
    in_own_words([&] { body(communicator); });
  };
  if (processes_) {
    if (options_.virtual_ranks > 0)
      run_mpi_ranks(options_.virtual_ranks, run, communicator_options(options_));
    else
      run_mpi_rank(run, communicator_options(options_));
  } else if (ranks_ > 1) {
    run_local_ranks(ranks_, run, communicator_options(options_));
  } else {
    run(*make_single_world());
  }
}

}  // namespace polyscene
