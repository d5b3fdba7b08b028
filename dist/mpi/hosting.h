// Which process of an mpirun job hosts which ranks. Ranks are threads, and each process has a contiguous range of them;
// one rank per process is the special case of ranges of one.
#pragma once

#include <cstdint>

namespace polyscene::dist {

struct Hosting {
  int ranks = 1, processes = 1;  // ranks >= processes

  // Process p hosts ranks [first_rank(p), first_rank(p + 1)).
  [[nodiscard]] int first_rank(int process) const { return static_cast<int>(int64_t{ranks} * process / processes); }
  [[nodiscard]] int process(int rank) const { return static_cast<int>((int64_t{rank + 1} * processes - 1) / ranks); }
  // The position of a rank among those of its process, counted from 0.
  [[nodiscard]] int lane(int rank) const { return rank - first_rank(process(rank)); }
  // The most ranks that one process hosts.
  [[nodiscard]] int lanes() const { return (ranks + processes - 1) / processes; }
};

}  // namespace polyscene::dist
