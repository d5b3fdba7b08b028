// The ways to make a communicator.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dist/communicator.h"
#include "ops/device/device.h"

namespace polyscene::dist {

// Runs body(communicator) on `ranks` threads of this process and waits for all. If a rank throws, the waits of the
// others are aborted, and the error of the rank that failed first is rethrown (never the "aborted" error of another
// rank).
void run_local_ranks(int ranks, const std::function<void(Communicator&)>& body, CommunicatorOptions options = {});

// The same for `ranks` ranks spread over the processes of an mpirun job: process p of P runs the ranks from ranks * p /
// P up to ranks * (p + 1) / P as threads. Calls, order of sums, deadlines and messages are the same as with one process
// per rank. After a failure every process rethrows an error of its own ranks, the original one if it happened there.
// Throws InvalidArgument, on all processes, if there are more processes than ranks. With a single process, with or
// without mpirun, it is run_local_ranks.
void run_mpi_ranks(int ranks, const std::function<void(Communicator&)>& body, CommunicatorOptions options = {});

// Whether the process was started by mpirun (or another launcher that sets Open MPI's or PMI's environment).
[[nodiscard]] bool started_by_mpi();

// The world of an mpirun job, with one rank per process; without mpirun a world of one rank. Initialises MPI
// (MPI_THREAD_SERIALIZED) on first use. MPI is finalised when the last communicator is destroyed, and never after a
// communicator has broken.
[[nodiscard]] std::unique_ptr<Communicator> make_mpi_world(CommunicatorOptions options = {});

// Runs body(communicator) on this process's rank of the mpirun job. If it throws, the other ranks are notified and the
// error is rethrown; the caller lets it reach main, prints it and returns its exit code.
void run_mpi_rank(const std::function<void(Communicator&)>& body, CommunicatorOptions options = {});

inline constexpr int kSilent = -1;

// Called by a process that ends with `error`, before it prints it. Returns its rank in the mpirun job, or kSilent if
// rank 0 prints the same error or the error that stopped this rank. Returns 0 without mpirun. Notifies the other
// processes of the failure, and waits at most two seconds for the error of rank 0. Every process must have started MPI
// or be about to start it.
[[nodiscard]] int reporting_rank(const std::string& error) noexcept;

// A world of one: every operation is the identity.
[[nodiscard]] std::unique_ptr<Communicator> make_single_world();

// A communicator of the same ranks for device memory: data passes through pinned host memory and `host`, with the same
// results, bit for bit. The host waits once in each call that sends data; the device counts these waits. `host` and
// `device` must outlive the communicator and its splits.
[[nodiscard]] std::unique_ptr<Communicator> make_staged_communicator(Communicator& host, Device& device);

struct NcclOptions {
  std::string library = {};  // path of the NCCL library; empty: POLYSCENE_NCCL_LIBRARY, else libnccl.so.2
  // true: sums are added in rank order and equal those of the other communicators bit for bit: the ranks exchange
  // shares, a kernel adds them, and the ranks exchange the sums. false: NCCL adds, and its sums may change with
  // lengths, machines and releases.
  bool in_rank_order = true;
  // true: every call begins with a meeting of the hosts, which names missing ranks and mismatched calls. false: such a
  // call ends at the deadline, and its error names the call only.
  bool meet_first = true;
  std::chrono::duration<double> deadline = CommunicatorOptions().deadline;  // for every wait, on the device too
};

// A communicator of the same ranks for device memory that uses NCCL; every rank needs a device of its own. NCCL is
// loaded by this call and started by the ranks together over `host`, which also carries host data. Work is queued on
// the device, and only a watching thread waits for it: work that NCCL reports as failed, or that the device does not
// finish within the deadline, aborts NCCL on all ranks and breaks the communicator. `host` and `device` must outlive
// the communicator and its splits; splits use the same queue. Collective. Throws CommunicationError.
[[nodiscard]] std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host, Device& device,
                                                                   const NcclOptions& options = {});

// How ranks exchange device memory.
struct DeviceTransport {
  enum class Kind : uint8_t {
    kAuto,    // NCCL if every rank has its own device and all can load NCCL, else staged
    kNccl,    // NCCL, or an error with the reason against it
    kStaged,  // through host memory
  };
  Kind kind = Kind::kAuto;
  std::chrono::duration<double> deadline = CommunicatorOptions().deadline;  // for NCCL's work
};

struct DeviceRanks {
  std::unique_ptr<Communicator> communicator;
  std::string why;          // reason for the choice of kAuto, e.g. "NCCL is not there: ..."; else empty
  bool host_waits = false;  // the host waits for the device in every call that sends data (staged)
};

// Makes a communicator of the ranks of `host` for the memory of their devices, with sums in rank order. With NCCL the
// hosts do not meet before each call. Lifetimes and errors as for the functions above. Collective; all ranks pass equal
// transports.
[[nodiscard]] DeviceRanks make_device_ranks(Communicator& host, Device& device, const DeviceTransport& transport = {});

}  // namespace polyscene::dist
