// From one process to running ranks. What is started are real ranks: under mpirun one per process, with local ranks
// threads of one. They run as many virtual ranks as the configuration asks for.
#pragma once

#include <functional>

#include "dist/communicator.h"

namespace polyscene {

struct RankOptions {
  int local_ranks = 0;      // > 0: this many ranks as threads of this process
  int virtual_ranks = 0;    // shared among the real ranks; 0: each is one
  int threads = 0;          // per real rank; 0: the processors this process may use, shared among the ranks on the host
  double deadline_s = 600;  // of every single wait of a rank for its peers
};

// The number of real ranks that were started, all processes together; 0 where the environment does not tell.
[[nodiscard]] int count_real_ranks(const RankOptions& options);

// Runs body once per (virtual) rank of this process, each with its share of threads, at least one. Throws what the
// first failing rank threw; InvalidArgument when local ranks are asked for under mpirun, or more real than virtual
// ranks.
void run_ranks(const RankOptions& options, const std::function<void(Communicator&)>& body);

}  // namespace polyscene
