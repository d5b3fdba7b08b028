// Requests of several callers that are under way at the same time, scored as one batch. There is no thread for it: the
// caller that is first in the queue leads. It takes those behind it along, scores all of them and wakes them; who came
// meanwhile is led by the first of them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <span>

#include "core/features/batch.h"

namespace polyscene {

struct JoinOptions {
  int64_t most_rows = 0;              // of a batch of several requests; larger requests are scored alone
  std::chrono::microseconds wait{0};  // for others, from a request's arrival on, while it could be scored
  int at_once = 1;                    // batches that may be scored at the same time
};

class JoinedScoring {
 public:
  // Writes the logits [batch.rows] of a batch, or throws. Up to at_once threads call it at the same time.
  using Score = std::function<void(const Batch& batch, std::span<float> logits)>;
  explicit JoinedScoring(Score score) : score_(std::move(score)) {}

  // Returns when the batch is scored, perhaps by another caller's thread, with logits [batch.rows]. Requests are taken
  // in the order in which they came. The options count where this caller leads. Where Score throws, every caller of
  // that batch gets an Error of the same kind and words.
  void score(const Batch& batch, std::span<float> logits, const JoinOptions& options);

  // Rows that no batch has taken yet.
  [[nodiscard]] int64_t waiting_rows() const;

 private:
  enum class State { kWaits, kLeads, kDone };
  // Lies on the stack of its thread, which leaves when it is done. Until then others may touch it.
  struct Caller {
    const Batch& batch;
    std::span<float> logits;
    JoinOptions options;
    std::chrono::steady_clock::time_point until;  // when it waits for others no longer
    int64_t values;                               // of its longest list column
    std::exception_ptr error = {};
    // Its own, so that callers of one batch, woken together, do not wait for each other.
    std::mutex mutex = {};
    std::condition_variable wake = {};
    State state = State::kWaits;
  };
  static void tell(Caller& caller, State state);
  void appoint();
  void lead(Caller& leader);
  [[nodiscard]] std::list<Caller*> take(int64_t most_rows);
  void score_together(const std::list<Caller*>& callers) const;

  const Score score_;
  mutable std::mutex mutex_;
  std::condition_variable full_;  // wakes the leader
  std::list<Caller*> queue_;      // lists, since moving their elements cannot fail
  Caller* leader_ = nullptr;      // first of the queue, while it may still take others along
  int64_t waiting_rows_ = 0;      // of the queue
  int scoring_ = 0;               // batches
};

}  // namespace polyscene
