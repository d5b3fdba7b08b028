// Threads prepare the next batches while earlier steps run. One thread needs longer to prepare a batch than a device
// needs for a step, and several threads on one batch would wait for each other, so each thread has its own batch.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/data/batch_source.h"
#include "core/session/session.h"
#include "ops/base/thread.h"

namespace polyscene::core {

class BatchesAhead {
 public:
  struct Item {
    const Batch& batch;
    StepInputs* prepared;  // nullptr: the session prepares the batch
  };
  // Returns the next batch; nullptr at the end.
  using Next = std::function<std::shared_ptr<const Batch>()>;

  // Starts as many threads as Session::preparing_threads(). One thread at a time calls `next`. `next` and the session
  // must outlive this object; its destructor waits for calls of `next` in progress. Throws DeviceError when the system
  // refuses a thread.
  BatchesAhead(Next next, const Session& session);
  BatchesAhead(const BatchesAhead&) = delete;
  BatchesAhead& operator=(const BatchesAhead&) = delete;

  // Returns batches in the order of `next`, no value at its end. An item is valid until the next call. Throws what
  // `next`, or preparing the batch, threw.
  [[nodiscard]] std::optional<Item> next();

 private:
  struct Slot {
    StepInputs inputs;
    std::shared_ptr<const Batch> batch;
    std::exception_ptr error;
    bool full = false;  // holds a prepared batch, the end or an error that next() has not taken yet
  };
  void prepare(size_t number, Slot& slot);
  void stop();

  Next next_;
  std::vector<Slot> slots_;            // batch n is in slot n % slots_.size(); each slot has a thread
  std::shared_ptr<const Batch> only_;  // the batch of the last next(), without threads
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t read_ = 0, given_ = 0;           // number of batches
  bool ended_ = false, stopped_ = false;  // ended: next_ returned nullptr or threw
  ThreadGroup threads_;
};

// Reads the batches of the source's current epoch; the source must outlive the result.
[[nodiscard]] BatchesAhead::Next read_from(BatchSource& source);

}  // namespace polyscene::core
