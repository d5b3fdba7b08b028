#include "core/serve/joined_scoring.h"

#include <algorithm>
#include <limits>
#include <new>

#include "core/features/join.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

// Copies the exception for one caller: a shared one would be read and destroyed by several threads.
std::exception_ptr copy_of(const std::exception_ptr& error) noexcept {
  try {
    try {
      std::rethrow_exception(error);
    } catch (const Error& e) {
      return std::make_exception_ptr(Error(e.kind(), e.what()));
    } catch (const std::bad_alloc&) {
      return std::make_exception_ptr(std::bad_alloc());
    } catch (const std::exception& e) {
      return std::make_exception_ptr(Error(ErrorKind::kOther, e.what()));
    }
  } catch (...) {
    return std::current_exception();
  }
}

int64_t longest_list(const Batch& batch) {
  int64_t values = 0;
  for (const BagBatch& bag : batch.bags) values = std::max(values, std::ssize(bag.keys));
  for (const SequenceBatch& sequence : batch.sequences) values = std::max<int64_t>(values, sequence.offsets.back());
  return values;
}

}  // namespace

void JoinedScoring::score(const Batch& batch, std::span<float> logits, const JoinOptions& options) {
  Caller self{.batch = batch,
              .logits = logits,
              .options = options,
              .until = std::chrono::steady_clock::now() + options.wait,
              .values = longest_list(batch)};
  std::list<Caller*> place = {&self};
  {
    const std::lock_guard lock(mutex_);
    queue_.splice(queue_.end(), place);
    waiting_rows_ += batch.rows;
    appoint();
    if (leader_ != nullptr && waiting_rows_ >= leader_->options.most_rows) full_.notify_one();
  }
  {
    std::unique_lock own(self.mutex);
    self.wake.wait(own, [&] { return self.state != State::kWaits; });
  }
  if (self.state == State::kLeads) lead(self);
  if (self.error) std::rethrow_exception(self.error);
}

int64_t JoinedScoring::waiting_rows() const {
  const std::lock_guard lock(mutex_);
  return waiting_rows_;
}

void JoinedScoring::tell(Caller& caller, State state) {
  // Notifies while holding the mutex: after the unlock the caller may no longer exist.
  const std::lock_guard own(caller.mutex);
  caller.state = state;
  caller.wake.notify_one();
}

// Called after every change of the queue, the leader or the number of batches, so that no caller waits while it may
// lead.
void JoinedScoring::appoint() {
  if (leader_ != nullptr || queue_.empty() || scoring_ >= queue_.front()->options.at_once) return;
  leader_ = queue_.front();
  tell(*leader_, State::kLeads);
}

void JoinedScoring::lead(Caller& leader) {
  std::unique_lock lock(mutex_);
  const auto full = [&] { return waiting_rows_ >= leader.options.most_rows; };
  if (leader.options.wait.count() > 0) full_.wait_until(lock, leader.until, full);
  const std::list<Caller*> callers = take(leader.options.most_rows);
  leader_ = nullptr;
  ++scoring_;
  appoint();
  lock.unlock();
  try {
    score_together(callers);
  } catch (...) {
    for (Caller* caller : callers) caller->error = copy_of(std::current_exception());
  }
  lock.lock();
  --scoring_;
  appoint();
  lock.unlock();
  for (Caller* caller : callers)
    if (caller != &leader) tell(*caller, State::kDone);
}

// Takes the first request of the queue and those after it that fit. kMostValues: offsets of lists have 32 bits.
std::list<JoinedScoring::Caller*> JoinedScoring::take(int64_t most_rows) {
  constexpr int64_t kMostValues = std::numeric_limits<int32_t>::max();
  int64_t rows = queue_.front()->batch.rows, values = queue_.front()->values;
  auto end = std::next(queue_.begin());
  for (; end != queue_.end(); ++end) {
    const Caller& next = **end;
    if (next.batch.rows > most_rows - rows || next.values > kMostValues - values) break;
    rows += next.batch.rows;
    values += next.values;
  }
  std::list<Caller*> taken;
  taken.splice(taken.end(), queue_, queue_.begin(), end);
  waiting_rows_ -= rows;
  return taken;
}

void JoinedScoring::score_together(const std::list<Caller*>& callers) const {
  if (callers.size() == 1) return score_(callers.front()->batch, callers.front()->logits);
  std::vector<const Batch*> batches;
  for (const Caller* caller : callers) batches.push_back(&caller->batch);
  const Batch all = join(batches);
  std::vector<float> logits(all.rows);
  score_(all, logits);
  auto next = logits.begin();
  for (const Caller* caller : callers) {
    std::copy_n(next, caller->batch.rows, caller->logits.begin());
    next += caller->batch.rows;
  }
}

}  // namespace polyscene::core
