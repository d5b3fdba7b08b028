// Starts the ranks of a job. Real ranks are processes under mpirun, or threads of one process (local ranks). They host
// as many virtual ranks as the configuration asks for.
#pragma once

#include <functional>
#include <memory>

#include "dist/rank.h"
#include "ops/device/device.h"

namespace polyscene::launcher {

struct RankOptions {
  int local_ranks = 0;      // > 0: this many ranks as threads of this process
  int virtual_ranks = 0;    // shared among the real ranks; 0: each real rank is one virtual rank
  int threads = 0;          // per real rank; 0: the processors this process may use, shared among the ranks on the host
  double deadline_s = 600;  // limit of every single wait of a rank for its peers, in seconds
  dist::DeviceTransport::Kind transport = dist::DeviceTransport::Kind::kAuto;
  bool cuda = false;  // a CUDA device for each real rank; the ranks of a host share devices if there are too few
};

class Ranks {
 public:
  // Connects to the other processes of an mpirun job. Throws InvalidArgument for local ranks under mpirun, for a device
  // transport without devices, for more real than virtual ranks, and for processes of a launcher that MPI does not
  // join; CommunicationError after the deadline; DeviceError if CUDA is asked for but not available.
  explicit Ranks(const RankOptions& options);

  // The number of real ranks of all processes together.
  [[nodiscard]] int real() const { return real_; }

  // Runs body once per virtual rank of this process, each with its share of threads (at least one). Virtual ranks use
  // the device of their real rank, each with its own queue. Communicator and device of a rank live until its body
  // returns. Throws the error of the first rank that fails, after translate_errors().
  void run(const std::function<void(const dist::Rank&)>& body) const;

 private:
  // Runs body as one rank, on its device if there are devices.
  void run_rank(dist::Communicator& communicator, const std::function<void(const dist::Rank&)>& body) const;
  [[nodiscard]] std::shared_ptr<Device> make_device(int rank) const;

  RankOptions options_;
  std::unique_ptr<dist::Communicator> processes_;  // the processes of an mpirun job, one rank each; null without mpirun
  int real_ = 1, ranks_ = 1, threads_ = 1;         // real ranks, virtual ranks, threads of each virtual rank
  int first_here_ = 0;                             // real ranks of this host before those of this process
  int devices_ = 0;                                // CUDA devices of this host
};

}  // namespace polyscene::launcher
