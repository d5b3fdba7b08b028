// From one process to running ranks: under mpirun one rank per process, with local ranks several threads of one.
#pragma once

#include <functional>

#include "dist/communicator.h"

namespace polyscene {

struct RankOptions {
  int local_ranks = 0;      // > 0: this many ranks as threads of this process
  int threads = 0;          // per rank; 0: the processors this process may use, shared among the ranks on the host
  double deadline_s = 600;  // of every single wait of a rank for its peers
};

// Runs body once per rank of this process, each with its share of threads. Throws what the first failing rank threw;
// InvalidArgument when local ranks are asked for under mpirun.
void run_ranks(const RankOptions& options, const std::function<void(Communicator&)>& body);

}  // namespace polyscene
