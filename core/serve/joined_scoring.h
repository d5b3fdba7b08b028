// Joins concurrent requests of several callers to one batch. There is no extra thread: the first caller in the queue is
// the leader. The leader takes requests from the queue, scores them and wakes their callers; the next caller in the
// queue then leads the next batch.
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

namespace polyscene::core {

struct JoinOptions {
  int64_t most_rows = 0;              // limit of a joined batch; a larger request is scored alone
  std::chrono::microseconds wait{0};  // longest wait for other requests, from the arrival of the leader's request
  int at_once = 1;                    // limit of batches scored at the same time
};

class JoinedScoring {
 public:
  // Writes the logits [batch.rows] of a batch, or throws. Up to at_once threads call it concurrently.
  using Score = std::function<void(const Batch& batch, std::span<float> logits)>;
  explicit JoinedScoring(Score score) : score_(std::move(score)) {}

  // Writes logits [batch.rows]; returns when the batch is scored, maybe by another caller's thread. Requests are taken
  // in order of arrival. The options apply when this caller leads. When Score throws, every caller of that batch gets
  // an Error of the same type with the same message.
  void score(const Batch& batch, std::span<float> logits, const JoinOptions& options);

  // Number of rows in the queue.
  [[nodiscard]] int64_t waiting_rows() const;

 private:
  enum class State { kWaits, kLeads, kDone };
  // Lies on the stack of its thread, which returns in state kDone. Until then other threads may access it.
  struct Caller {
    const Batch& batch;
    std::span<float> logits;
    JoinOptions options;
    std::chrono::steady_clock::time_point until;  // end of the wait for other requests
    int64_t values;                               // number of values of its longest list column
    std::exception_ptr error = {};
    // One mutex per caller, so that the callers of a batch, woken together, do not wait for each other.
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
  std::list<Caller*> queue_;      // a list, because splicing cannot fail
  Caller* leader_ = nullptr;      // first of the queue, while it may still take other requests
  int64_t waiting_rows_ = 0;      // rows in the queue
  int scoring_ = 0;               // number of batches being scored
};

}  // namespace polyscene::core
