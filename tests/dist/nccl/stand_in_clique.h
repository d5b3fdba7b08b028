// The ranks of one communicator of NCCL's stand-in: what each has posted, and the moving of bytes once all have. Not
// locked: the stand-in has one lock for everything.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "dist/nccl/abi.h"

namespace polyscene::testing {

struct Operation {
  enum class Kind { kAllReduce, kReduceScatter, kAllGather, kBroadcast, kSend, kRecv } kind;
  const void* from;
  void* to;
  size_t count;
  dist::nccl::DataType type;
  dist::nccl::ReduceOp op;
  int peer;  // or root
  void* stream;
};

class Clique {
 public:
  explicit Clique(int ranks) : ranks_(static_cast<size_t>(ranks)) {}

  // False if the rank is there already or is none.
  bool join(int ranks, int rank);
  void leave(int rank);    // in peace: done when all have left
  void abandon(int rank);  // what it has posted is gone
  // What is wrong with an operation that a rank wants to post; empty if nothing.
  [[nodiscard]] std::string objection(const Operation& operation, int rank) const;
  // One collective, or messages.
  void post(int rank, std::vector<Operation> operations);
  // Whether all that the rank has posted, or its coming or going, is through.
  [[nodiscard]] bool done(int rank) const;
  // How the ranks' calls do not fit; empty while they do.
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  struct Rank {
    bool joined = false, leaving = false;
    std::vector<Operation> posted;
  };

  [[nodiscard]] size_t size() const { return ranks_.size(); }
  void progress();
  bool match_message(size_t sender, const Operation& sent);
  void run_collective();

  std::vector<Rank> ranks_;
  std::string error_;
};

}  // namespace polyscene::testing
