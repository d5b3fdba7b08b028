// Batches that threads prepare while the steps before them run. Preparing one takes a thread longer than a device needs
// for a step, and several threads on one batch wait for each other; so each has a batch of its own.
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

namespace polyscene {

class BatchesAhead {
 public:
  struct Item {
    const Batch& batch;
    StepInputs* prepared;  // nullptr: the session does it
  };
  // The next batch; nullptr at the end.
  using Next = std::function<std::shared_ptr<const Batch>()>;

  // On a device by threads, half as many as the caller has processors, up to eight; on the host, where a step
  // wants all of them, there are none. `next` is called by one thread at a time; it and the session must outlive this.
  // Its end waits for calls of `next` that are under way. Throws DeviceError when the system gives too few threads.
  BatchesAhead(Next next, const Session& session);
  BatchesAhead(const BatchesAhead&) = delete;
  BatchesAhead& operator=(const BatchesAhead&) = delete;

  // In the order of `next`, nothing at its end. Valid until the next call. Throws what `next` threw instead of that
  // batch, or what preparing it did.
  [[nodiscard]] std::optional<Item> next();

 private:
  struct Slot {
    StepInputs inputs;
    std::shared_ptr<const Batch> batch;
    std::exception_ptr error;
    bool full = false;  // prepared, or at the end, and not given back yet
  };
  void prepare(size_t number, Slot& slot);
  void stop();

  Next next_;
  std::vector<Slot> slots_;            // batch n is in slot n modulo their number, prepared by the thread of that slot
  std::shared_ptr<const Batch> only_;  // without threads
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t read_ = 0, given_ = 0;           // batches
  bool ended_ = false, stopped_ = false;  // ended: next_ has no more, or threw
  ThreadGroup threads_;
};

// The batches of the epoch that was started; the source must outlive it.
[[nodiscard]] BatchesAhead::Next read_from(BatchSource& source);

}  // namespace polyscene
