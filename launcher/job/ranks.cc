#include "launcher/job/ranks.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>

#include "launcher/job/environment.h"
#include "launcher/job/translate_errors.h"
#include "ops/base/thread.h"

namespace polyscene::launcher {
namespace {

dist::CommunicatorOptions communicator_options(const RankOptions& options) {
  return {.deadline = std::chrono::duration<double>(options.deadline_s)};
}

struct ProcessesHere {
  int count = 1, before = 0;  // all processes, including this one; those with a lower rank
};

// A number that identifies the host, also if containers on different hosts have the same name.
int64_t host_number() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  return std::hash<std::string>()(host_name() + boot);
}

// Counts the processes of the job on this host. Launchers have no common variable for it.
ProcessesHere processes_here(dist::Communicator& processes) {
  const int64_t mine = host_number();
  std::vector<int64_t> all(processes.size());
  processes.all_gather<int64_t>({&mine, 1}, all);
  return {static_cast<int>(std::ranges::count(all, mine)),
          static_cast<int>(std::count(all.begin(), all.begin() + processes.rank(), mine))};
}

// The processors that this process may use, divided by the ranks that share them. mpirun may have bound each rank to a
// core, to a socket, or not at all.
int threads_per_rank(const RankOptions& options, int ranks_here) {
  if (options.threads > 0) return options.threads;
  const int mine = available_processors();
  const int all = std::max(mine, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
  const int sharing = std::max(1, (ranks_here * mine + all / 2) / all);
  return std::max(1, mine / sharing);
}

}  // namespace

Ranks::Ranks(const RankOptions& options) : options_(options) {
  require(options.cuda || options.transport == dist::DeviceTransport::Kind::kAuto,
          "[launcher] --transport applies to GPUs, but the model runs on the CPU; add --device cuda, or leave out "
          "--transport");
  const bool under_mpirun = dist::started_by_mpi();
  require(options.local_ranks == 0 || !under_mpirun, "[launcher] --local-ranks ", options.local_ranks,
          " starts ranks as threads, but mpirun has already started ranks; use one or the other");
  // Read before MPI starts, since MPI sets such variables itself when it runs alone.
  const LaunchedJob job = launched_job([](const char* variable) { return std::getenv(variable); });
  if (under_mpirun) processes_ = make_mpi_world(communicator_options(options));
  require_joined(job, processes_ ? processes_->size() : 1);

  real_ = processes_ ? processes_->size() : std::max(1, options.local_ranks);
  ranks_ = options.virtual_ranks > 0 ? options.virtual_ranks : real_;
  require(real_ <= ranks_, "[launcher] wanted at most ", ranks_, " ranks, the number of train.virtual_ranks, got ",
          real_, "; start fewer, or raise train.virtual_ranks, which changes the results");
  int sharing = real_;
  if (processes_) {
    const ProcessesHere here = processes_here(*processes_);
    sharing = here.count;
    first_here_ = here.before;
  }
  if (options.cuda) devices_ = cuda_devices();
  // Between devices of one process NCCL would access our memory directly, but memory from a device's pool is accessible
  // to that device only. Set before there are threads, and only if the user has not set it.
  if (options.cuda && !processes_ && real_ > 1) ::setenv("NCCL_P2P_DIRECT_DISABLE", "1", 0);
  threads_ = std::max(1, threads_per_rank(options, sharing) * real_ / ranks_);
}

std::shared_ptr<Device> Ranks::make_device(int rank) const {
  const int real_here = processes_ ? 0 : rank * real_ / ranks_;  // under mpirun a process is one real rank
  return make_cuda_device((first_here_ + real_here) % devices_);
}

void Ranks::run_rank(dist::Communicator& communicator, const std::function<void(const dist::Rank&)>& body) const {
  if (!options_.cuda) return body({.communicator = communicator});
  const std::shared_ptr<Device> device = make_device(communicator.rank());
  const dist::DeviceTransport transport{.kind = options_.transport,
                                        .deadline = std::chrono::duration<double>(options_.deadline_s)};
  body({.communicator = communicator, .runs_on = dist::OnDevice{.device = *device, .transport = transport}});
}

void Ranks::run(const std::function<void(const dist::Rank&)>& body) const {
  const auto run = [&](dist::Communicator& communicator) {
    set_thread_count(threads_);
    translate_errors([&] { run_rank(communicator, body); });
  };
  if (processes_) {
    if (options_.virtual_ranks > 0)
      run_mpi_ranks(options_.virtual_ranks, run, communicator_options(options_));
    else
      run_mpi_rank(run, communicator_options(options_));
  } else if (ranks_ > 1) {
    run_local_ranks(ranks_, run, communicator_options(options_));
  } else {
    run(*dist::make_single_world());
  }
}

}  // namespace polyscene::launcher
