// What the stand-in knows: its communicators, the faults that are to come, and what it has counted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/dist/nccl/stand_in.h"
#include "tests/dist/nccl/stand_in_clique.h"

namespace polyscene::dist::nccl {

// One rank's part of a clique.
struct Comm {
  std::shared_ptr<testing::Clique> clique;
  int rank;
  int operations = 0;
  Result state = Result::kInProgress;
  std::string error = {};
  const void* hanging_stream = nullptr;
  bool finalized = false;
  std::atomic<bool> in_use = false;
};

}  // namespace polyscene::dist::nccl

namespace polyscene::testing {

using dist::nccl::Comm;
using dist::nccl::Result;

struct Fault {
  int rank, operation;
  bool hang;
  [[nodiscard]] bool strikes(int at_rank, int at_operation) const {
    return (rank == -1 || rank == at_rank) && at_operation >= operation;
  }
};

// One for the process; everything is guarded by the mutex.
struct StandIn {
  std::mutex mutex;
  std::condition_variable aborts;
  std::map<long, std::shared_ptr<Clique>> cliques;
  std::vector<dist::nccl::Comm*> live;
  std::vector<Fault> faults;
  NcclStandInCounts counts{};
  int version = 22809;
  long last_id = 0;
  bool never_start = false, hold_aborts = false;
};

[[nodiscard]] StandIn& stand_in();

// Of a call with a communicator. Two at once are one too many, whatever they are.
class Use {
 public:
  explicit Use(Comm* comm) : comm_(comm), alone_(!comm->in_use.exchange(true)), lock_(stand_in().mutex) {}
  ~Use() {
    if (alone_ && comm_ != nullptr) comm_->in_use = false;
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  [[nodiscard]] bool alone() const { return alone_; }
  void gone() { comm_ = nullptr; }

 private:
  Comm* comm_;
  bool alone_;
  std::lock_guard<std::mutex> lock_;
};

// These under the lock. Refuses a call, and breaks its communicator, if any, for good.
Result refuse(Comm* comm, const std::string& why, Result result = Result::kInvalidUsage);
// What the thread was last refused for, or what is wrong with a communicator.
[[nodiscard]] const char* last_error(const Comm* comm);
// What the clique has come to is what its members' calls have.
void settle(Clique& clique);

// One operation of a thread, at once or when its group ends.
Result enqueue(Comm* comm, const Operation& operation);
Result start_group();
Result end_group();

}  // namespace polyscene::testing
