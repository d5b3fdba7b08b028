// Ways to get a communicator.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dist/communicator.h"
#include "ops/device/device.h"

namespace polyscene {

// Runs body(communicator) on `ranks` threads of this process and waits for all. If any rank throws, the others'
// waits are aborted, and the error of the rank that failed first is rethrown (a peer's "aborted" error never hides it).
void run_local_ranks(int ranks, const std::function<void(Communicator&)>& body, CommunicatorOptions options = {});

// The same for `ranks` ranks spread over the processes of an mpirun job: process p of P runs the ranks from ranks * p /
// P up to ranks * (p + 1) / P as threads. The ranks cannot tell: calls, order of sums, deadlines and messages are those
// of a process each. After a failure every process rethrows an error of its own ranks, the cause where it is among
// them. Throws InvalidArgument, on all processes, if there are more processes than ranks. With one process, mpirun or
// not, it is run_local_ranks.
void run_mpi_ranks(int ranks, const std::function<void(Communicator&)>& body, CommunicatorOptions options = {});

// True when the process was started by mpirun (or another launcher that sets Open MPI's or PMI's environment).
[[nodiscard]] bool started_by_mpi();

// The world of an mpirun job, a rank for each process, or of one rank without mpirun. Initialises MPI
// (MPI_THREAD_SERIALIZED) on first use; MPI is finalised when the last communicator is gone, and never once one is
// broken.
[[nodiscard]] std::unique_ptr<Communicator> make_mpi_world(CommunicatorOptions options = {});

// Runs body(communicator) on this process's rank of the mpirun job. If it throws, the other ranks are told and the
// error is rethrown; let it reach main, print it and return its exit code.
void run_mpi_rank(const std::function<void(Communicator&)>& body, CommunicatorOptions options = {});

inline constexpr int kSilent = -1;

// For a process that ends with `error`, before it prints it: its rank in the mpirun job, or kSilent where rank 0 ends
// with these words, or with those that this rank stopped for. 0 without mpirun. Tells the others that this process has
// failed, and waits at most two seconds for what rank 0 says. Every process must have started MPI or be about to.
[[nodiscard]] int speaking_rank(const std::string& error) noexcept;

// A world of one: every operation is the identity.
[[nodiscard]] std::unique_ptr<Communicator> make_single_world();

// The same ranks for memory of a device: what is moved passes through pinned memory of the host and `host`, bit for bit
// as there. The host waits once for each call that sends something; these waits are counted by the device. `host` and
// `device` must outlive it and what is split from it.
[[nodiscard]] std::unique_ptr<Communicator> make_staged_communicator(Communicator& host, Device& device);

struct NcclOptions {
  std::string library = {};  // file of NCCL; empty: POLYSCENE_NCCL_LIBRARY, else libnccl.so.2
  // Reductions are the sums in rank order that the other communicators give, bit for bit: shares are exchanged, added
  // by a kernel and exchanged again. If not, sums are NCCL's, and may change with lengths, machines and releases.
  bool in_rank_order = true;
  // Every call begins with a meeting of the hosts, which names missing ranks and calls that do not fit. Without it,
  // such a call ends at the deadline with no more than its own name.
  bool meet_first = true;
  std::chrono::duration<double> deadline = CommunicatorOptions().deadline;  // of every wait, on the device too
};

// The same ranks for memory of devices, which NCCL moves; ranks of one communicator need a device each. NCCL is found
// when this is called, and started by the members together over `host`, which also carries what is the hosts' own.
// Work goes on the device's queue and nothing waits for it but a thread that watches: work that NCCL reports as failed,
// or that the device does not end within the deadline, aborts NCCL on all ranks and breaks the communicator. `host` and
// `device` must outlive it and what is split from it; what is split works on the same queue. Collective. Throws
// CommunicationError.
[[nodiscard]] std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host, Device& device,
                                                                   const NcclOptions& options = {});

// How ranks exchange memory of devices.
struct DeviceTransport {
  enum class Kind : uint8_t {
    kAuto,    // NCCL where every rank has a device of its own and NCCL is there for all, else staged
    kNccl,    // NCCL, or an error that says why not
    kStaged,  // through the host
  };
  Kind kind = Kind::kAuto;
  std::chrono::duration<double> deadline = CommunicatorOptions().deadline;  // of NCCL's work
};

struct DeviceRanks {
  std::unique_ptr<Communicator> communicator;
  std::string why;          // kAuto came to what it did, e.g. "NCCL is not there: ..."; else empty
  bool host_waits = false;  // for the device, in every call that sends: staged
};

// The ranks of `host` over memory of their devices: in rank order, and without meetings of the hosts where NCCL moves
// it. Lifetimes and errors as above. Collective, with equal transports.
[[nodiscard]] DeviceRanks make_device_ranks(Communicator& host, Device& device, const DeviceTransport& transport = {});

}  // namespace polyscene
