// From one process to running ranks. What is started are real ranks: under mpirun one per process, with local ranks
// threads of one. They run as many virtual ranks as the configuration asks for.
#pragma once

#include <functional>
#include <memory>

#include "dist/communicator.h"

namespace polyscene {

struct RankOptions {
  int local_ranks = 0;      // > 0: this many ranks as threads of this process
  int virtual_ranks = 0;    // shared among the real ranks; 0: each is one
  int threads = 0;          // per real rank; 0: the processors this process may use, shared among the ranks on the host
  double deadline_s = 600;  // of every single wait of a rank for its peers
};

class Ranks {
 public:
  // Meets the other processes of an mpirun job. Throws InvalidArgument when local ranks are asked for under mpirun,
  // when more real ranks were started than there are virtual ones, or when a launcher started processes that MPI does
  // not join; CommunicationError past the deadline.
  explicit Ranks(const RankOptions& options);

  // The number of real ranks that were started, all processes together.
  [[nodiscard]] int real() const { return real_; }

  // Runs body once per (virtual) rank of this process, each with its share of threads, at least one. Throws what the
  // first failing rank threw, in our own words.
  void run(const std::function<void(Communicator&)>& body) const;

 private:
  RankOptions options_;
  std::unique_ptr<Communicator> processes_;  // of an mpirun job, a rank for each; null without
  int real_ = 1, ranks_ = 1, threads_ = 1;   // ranks_, threads_: (virtual) ones, and of each of these
};

}  // namespace polyscene
