#include "core/session/batches_ahead.h"

#include "ops/base/thread.h"

namespace polyscene::core {

BatchesAhead::BatchesAhead(Next next, const Session& session) : next_(std::move(next)), threads_([this] { stop(); }) {
  for (int i = 0; i < session.preparing_threads(); ++i)
    slots_.push_back({.inputs = session.make_inputs(), .batch = {}, .error = {}});
  for (size_t i = 0; i < slots_.size(); ++i) threads_.start([this, i] { prepare(i, slots_[i]); });
}

void BatchesAhead::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

// Prepares batches `number`, `number` + slots and so on. Threads call next_ in turn, which keeps its order.
void BatchesAhead::prepare(size_t number, Slot& slot) {
  set_thread_count(1);
  for (; true; number += slots_.size()) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || (read_ == number && !slot.full); });
    if (stopped_) return;
    bool ended = ended_;
    lock.unlock();
    try {
      slot.batch = ended ? nullptr : next_();
      ended = slot.batch == nullptr;
    } catch (...) {
      slot.error = std::current_exception();
      ended = true;
    }
    lock.lock();
    ended_ = ended;
    ++read_;
    lock.unlock();
    changed_.notify_all();
    try {
      if (!ended) slot.inputs.prepare(*slot.batch);
    } catch (...) {
      slot.error = std::current_exception();
    }
    lock.lock();
    slot.full = true;
    lock.unlock();
    changed_.notify_all();
  }
}

std::optional<BatchesAhead::Item> BatchesAhead::next() {
  if (slots_.empty()) {
    only_ = next_();
    if (!only_) return {};
    return Item{*only_, nullptr};
  }
  std::unique_lock lock(mutex_);
  if (given_ > 0) slots_[(given_ - 1) % slots_.size()].full = false;
  changed_.notify_all();
  Slot& slot = slots_[given_ % slots_.size()];
  changed_.wait(lock, [&] { return slot.full; });
  if (slot.error) std::rethrow_exception(slot.error);
  if (!slot.batch) return {};
  ++given_;
  return Item{*slot.batch, &slot.inputs};
}

BatchesAhead::Next read_from(BatchSource& source) {
  return [&source]() -> std::shared_ptr<const Batch> {
    std::optional<Batch> batch = source.next();
    return batch ? std::make_shared<const Batch>(std::move(*batch)) : nullptr;
  };
}

}  // namespace polyscene::core
