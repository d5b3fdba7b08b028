// The meeting point of the threads of one process. A collective has two phases:
//   arrive  every member has posted its call and its buffers;
//   depart  every member has finished reading the others' buffers, which the owners may now reuse.
// Arrival and failure are decided under one lock: either all members continue to the reading phase or none does.
// Departing therefore only waits for memory copies and ignores failures: leaving earlier would free memory that another
// member still reads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "dist/call.h"

namespace polyscene::dist {

// The state that all groups of one run share: the first failure ends them all.
struct LocalWorld {
  // Records the first failure and wakes all waits; later failures are its consequences and are dropped.
  void fail(int world_rank, const std::string& reason);

  std::mutex mutex;
  std::condition_variable wake;
  std::optional<Failure> failure;    // guarded by mutex
  std::atomic<bool> failed = false;  // for spinning without the lock
};

class LocalGroup {
 public:
  // What a member shows to the others from arrive to depart. Buffers and counts still belong to the member.
  struct Posting {
    Call call = {};
    const void* input = nullptr;
    void* output = nullptr;
    std::span<const int64_t> send_counts = {};     // [size], elements; all_gather_v: [1]
    std::span<const int64_t> receive_counts = {};  // [size], elements
    int color = 0;
  };

  // world_ranks[r] is the world rank of member r.
  LocalGroup(std::shared_ptr<LocalWorld> world, std::vector<int> world_ranks, CommunicatorOptions options);

  // Posts and waits for all members. Throws CommunicationError past the deadline or after a failure of any rank; in
  // that case no member reads the posting.
  void arrive(int rank, const Posting& posting);
  // Waits until all members have departed.
  void depart() noexcept;
  // Throws CommunicationError after a failure of any rank.
  void check(int rank) const;
  // Marks the world as failed by member `rank`.
  void fail(int rank, const std::string& reason);

  [[nodiscard]] int size() const { return static_cast<int>(world_ranks_.size()); }
  // Member `rank`'s posting. Valid between arrive and depart.
  [[nodiscard]] const Posting& posting(int rank) const { return postings_[rank]; }

  // The leader of a new group creates it between arrive and depart; its members fetch it after depart.
  void create_child(int leader, const std::vector<int>& members);
  [[nodiscard]] std::shared_ptr<LocalGroup> child(int leader) const { return children_[leader]; }

 private:
  uint64_t meet(bool departing);
  bool spin(uint64_t generation, bool heed_failure) const;
  void throw_failed(Collective collective, int rank) const;
  void time_out(Collective collective, int rank, std::unique_lock<std::mutex>& lock);

  std::shared_ptr<LocalWorld> world_;
  std::vector<int> world_ranks_;
  CommunicatorOptions options_;
  std::vector<Posting> postings_;
  std::vector<std::shared_ptr<LocalGroup>> children_;
  std::vector<char> arrived_;             // [size], guarded by the world's mutex
  int meeting_ = 0;                       // members in the current phase, guarded by the world's mutex
  std::atomic<uint64_t> generation_ = 0;  // phases completed; written under the world's mutex
};

}  // namespace polyscene::dist
