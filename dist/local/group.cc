#include "dist/local/group.h"

#include <algorithm>
#include <thread>

namespace polyscene::dist {

// Most ranks arrive almost together, so a wait first spins for some microseconds, yielding the processor in case ranks
// outnumber processors, and only then sleeps.
constexpr int kSpins = 200;

void LocalWorld::fail(int world_rank, const std::string& reason) {
  const std::lock_guard lock(mutex);
  if (failure) return;
  failure = Failure{world_rank, reason};
  failed.store(true, std::memory_order_release);
  wake.notify_all();
}

LocalGroup::LocalGroup(std::shared_ptr<LocalWorld> world, std::vector<int> world_ranks, CommunicatorOptions options)
    : world_(std::move(world)),
      world_ranks_(std::move(world_ranks)),
      options_(options),
      postings_(world_ranks_.size()),
      children_(world_ranks_.size()),
      arrived_(world_ranks_.size(), 0) {}

void LocalGroup::fail(int rank, const std::string& reason) { world_->fail(world_ranks_[rank], reason); }

void LocalGroup::create_child(int leader, const std::vector<int>& members) {
  std::vector<int> world_ranks;
  for (const int member : members) world_ranks.push_back(world_ranks_[member]);
  children_[leader] = std::make_shared<LocalGroup>(world_, std::move(world_ranks), options_);
}

// Enters the current phase and returns the generation to wait for. Called under the lock.
uint64_t LocalGroup::meet(bool departing) {
  const uint64_t next = generation_.load(std::memory_order_relaxed) + 1;
  if (++meeting_ == size()) {
    meeting_ = 0;
    if (departing) std::fill(arrived_.begin(), arrived_.end(), 0);
    generation_.store(next, std::memory_order_release);
    world_->wake.notify_all();
  }
  return next;
}

bool LocalGroup::spin(uint64_t generation, bool heed_failure) const {
  for (int i = 0; i < kSpins; ++i) {
    if (generation_.load(std::memory_order_acquire) >= generation) return true;
    if (heed_failure && world_->failed.load(std::memory_order_acquire)) return false;
    std::this_thread::yield();
  }
  return false;
}

void LocalGroup::throw_failed(Collective collective, int rank) const {
  throw CommunicationError(describe_peer_failure(collective, rank, size(), *world_->failure));
}

void LocalGroup::check(int rank) const {
  if (!world_->failed.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(world_->mutex);
  throw_failed(Collective::kCheck, rank);
}

void LocalGroup::time_out(Collective collective, int rank, std::unique_lock<std::mutex>& lock) {
  std::vector<int> missing;
  for (int r = 0; r < size(); ++r) {
    if (!arrived_[r]) missing.push_back(r);
  }
  const std::string message = describe_timeout(collective, rank, size(), options_.deadline.count(), missing);
  lock.unlock();
  fail(rank, message);
  throw CommunicationError(message);
}

void LocalGroup::arrive(int rank, const Posting& posting) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(options_.deadline);
  const Collective collective = posting.call.collective;
  std::unique_lock lock(world_->mutex);
  if (world_->failure) throw_failed(collective, rank);
  postings_[rank] = posting;
  arrived_[rank] = 1;
  const uint64_t generation = meet(false);
  lock.unlock();
  if (spin(generation, true)) return;
  lock.lock();
  const auto done = [&] { return generation_.load(std::memory_order_relaxed) >= generation; };
  const bool woken = world_->wake.wait_until(lock, deadline, [&] { return done() || world_->failure; });
  if (done()) return;
  if (woken) throw_failed(collective, rank);
  time_out(collective, rank, lock);
}

void LocalGroup::depart() noexcept {
  std::unique_lock lock(world_->mutex);
  const uint64_t generation = meet(true);
  lock.unlock();
  if (spin(generation, false)) return;
  lock.lock();
  world_->wake.wait(lock, [&] { return generation_.load(std::memory_order_relaxed) >= generation; });
}

}  // namespace polyscene::dist
