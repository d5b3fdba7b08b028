// Which process of an mpirun job hosts which ranks. Ranks are threads: each process has a contiguous run of them, and
// what is one rank per process is the case of runs of one.
#pragma once

#include <cstdint>

namespace polyscene {

struct Hosting {
  int ranks = 1, processes = 1;  // ranks >= processes

  // Ranks [first_rank(p), first_rank(p + 1)) are those of process p.
  [[nodiscard]] int first_rank(int process) const { return static_cast<int>(int64_t{ranks} * process / processes); }
  [[nodiscard]] int process(int rank) const { return static_cast<int>((int64_t{rank + 1} * processes - 1) / ranks); }
  // The rank's place among those of its process, from 0.
  [[nodiscard]] int lane(int rank) const { return rank - first_rank(process(rank)); }
  // Of the fullest process.
  [[nodiscard]] int lanes() const { return (ranks + processes - 1) / processes; }
};

}  // namespace polyscene
