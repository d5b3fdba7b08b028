// From one process to running ranks. What is started are real ranks: under mpirun one per process, with local ranks
// threads of one. They run as many virtual ranks as the configuration asks for.
#pragma once

#include <functional>
#include <memory>

#include "dist/world.h"
#include "ops/device/device.h"

namespace polyscene {

struct RankOptions {
  int local_ranks = 0;      // > 0: this many ranks as threads of this process
  int virtual_ranks = 0;    // shared among the real ranks; 0: each is one
  int threads = 0;          // per real rank; 0: the processors this process may use, shared among the ranks on the host
  double deadline_s = 600;  // of every single wait of a rank for its peers
  DeviceTransport::Kind transport = DeviceTransport::Kind::kAuto;
  bool cuda = false;  // a CUDA device for each real rank; ranks of a host share them where there are too few
};

// Between the devices of such ranks.
[[nodiscard]] inline DeviceTransport device_transport(const RankOptions& options) {
  return {.kind = options.transport, .deadline = std::chrono::duration<double>(options.deadline_s)};
}

class Ranks {
 public:
  // Meets the other processes of an mpirun job. Throws InvalidArgument when local ranks are asked for under mpirun,
  // when a transport between devices is asked for without them, when more real ranks were started than there are
  // virtual ones, or when a launcher started processes that MPI does not join; CommunicationError past the deadline;
  // DeviceError when CUDA is asked for and not there.
  explicit Ranks(const RankOptions& options);

  // The number of real ranks that were started, all processes together.
  [[nodiscard]] int real() const { return real_; }

  // Runs body once per (virtual) rank of this process, each with its share of threads, at least one, and with its
  // device, nullptr for the host; virtual ranks have that of the rank that runs them, each with a queue of its own.
  // Throws what the first failing rank threw, in our own words.
  void run(const std::function<void(Communicator&, Device*)>& body) const;

 private:
  [[nodiscard]] std::shared_ptr<Device> make_device(int rank) const;

  RankOptions options_;
  std::unique_ptr<Communicator> processes_;  // of an mpirun job, a rank for each; null without
  int real_ = 1, ranks_ = 1, threads_ = 1;   // ranks_, threads_: (virtual) ones, and of each of these
  int first_here_ = 0;                       // real ranks of this host before those of this process
  int devices_ = 0;                          // of this host
};

}  // namespace polyscene
