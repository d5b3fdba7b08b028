#include "dist/nccl/watch.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <optional>
#include <thread>
#include <vector>

#include "ops/base/thread.h"
#include "ops/base/warning.h"

namespace polyscene::dist {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPeriod(10);  // between two polls
// How long NCCL may take to return from an abort, in which it may wait for ranks that hang or are dead. A shorter
// deadline takes precedence.
constexpr std::chrono::duration<double> kAbortGrace = std::chrono::seconds(2);

}  // namespace

struct NcclWatch::State {
  struct Queued {
    Work work;
    std::optional<Clock::time_point> begun;
  };
  struct Watched {
    std::shared_ptr<NcclHandle> handle;
    std::deque<Queued> queue;
    enum class Phase { kUsed, kDraining, kFinalizing, kFinal, kAborting } phase = Phase::kUsed;
    Clock::time_point given_up;
  };

  State(Communicator& with, std::chrono::duration<double> limit)
      : deadline(limit), rank(with.rank()), size(with.size()), host(&with) {}

  void run(Device& device);
  void look();
  void release();
  void fail(const std::string& reason, bool tell);
  // These three are called under the lock; the first two return the error that they find.
  std::optional<std::string> look_at(Watched& watched);
  std::optional<std::string> look_at_queue(Watched& watched);
  void finalize(Watched& watched);
  template <class Body>
  void with_host(Body&& body) {
    const std::lock_guard lock(host_mutex);
    if (host != nullptr) body(*host);
  }
  bool late(Clock::time_point since) const { return Clock::now() - since > deadline; }
  Watched* find(const std::shared_ptr<NcclHandle>& handle) {
    const auto found = std::ranges::find(all, handle, &Watched::handle);
    return found == all.end() ? nullptr : &*found;
  }

  const std::chrono::duration<double> deadline;
  const int rank, size;
  std::mutex host_mutex;
  Communicator* host;  // null once the thread is left behind
  std::mutex mutex;    // guards the members below
  std::condition_variable wake;
  std::deque<Watched> all;
  std::string failure;  // written once, before `failed`
  std::atomic<bool> failed = false;
  bool stop = false, ended = false;
  std::thread thread;
};

void NcclWatch::State::fail(const std::string& reason, bool tell) {
  {
    const std::lock_guard lock(mutex);
    if (failed) return;
    failure = reason;
    failed.store(true, std::memory_order_release);
  }
  if (tell) with_host([&](Communicator& communicator) { communicator.abort(reason); });
  wake.notify_all();
}

std::optional<std::string> NcclWatch::State::look_at_queue(Watched& watched) {
  for (; !watched.queue.empty(); watched.queue.pop_front()) {
    auto& [work, begun] = watched.queue.front();
    if (!begun && work.begin->done()) begun = Clock::now();
    if (work.end->done()) continue;
    if (!begun || !late(*begun)) return std::nullopt;
    return describe_timeout(work.call, work.rank, work.size, deadline.count(),
                            str("its device to end call ", work.number, ","));
  }
  return std::nullopt;
}

std::optional<std::string> NcclWatch::State::look_at(Watched& watched) {
  if (watched.handle->settling()) return look_at_queue(watched);
  const std::optional<nccl::Result> state = watched.handle->state();
  if (state && *state != nccl::Result::kSuccess && *state != nccl::Result::kInProgress)
    return str("[dist.nccl] rank ", rank, " of ", size, ": NCCL reports ", watched.handle->describe(*state),
               "; set NCCL_DEBUG=INFO for details");
  return look_at_queue(watched);
}

void NcclWatch::State::finalize(Watched& watched) {
  using Phase = Watched::Phase;
  if (watched.phase == Phase::kDraining && watched.queue.empty()) {
    watched.handle->call([](const NcclLibrary& library, nccl::Comm* comm) { return library.comm_finalize(comm); });
    watched.phase = Phase::kFinalizing;
  }
  if (watched.phase == Phase::kFinalizing && watched.handle->state() == nccl::Result::kSuccess)
    watched.phase = Phase::kFinal;
  const bool waiting = watched.phase == Phase::kDraining || watched.phase == Phase::kFinalizing;
  if (waiting && late(watched.given_up)) watched.phase = Phase::kAborting;
}

// Destroys finished communicators and aborts failed ones. Called without the lock, because NCCL may take any time.
void NcclWatch::State::release() {
  using Phase = Watched::Phase;
  std::vector<Watched> gone;
  {
    const std::lock_guard lock(mutex);
    const auto stays = [&](const Watched& w) {
      return !failed && w.phase != Phase::kAborting && w.phase != Phase::kFinal;
    };
    const auto end = std::ranges::stable_partition(all, stays).begin();
    gone.assign(std::make_move_iterator(end), std::make_move_iterator(all.end()));
    all.erase(end, all.end());
  }
  for (const Watched& watched : gone) {
    if (watched.phase == Phase::kFinal)
      watched.handle->destroy();
    else
      watched.handle->abort();
  }
}

void NcclWatch::State::look() {
  std::optional<std::string> wrong;
  try {
    with_host([](Communicator& communicator) { communicator.check(); });
  } catch (const std::exception& error) {
    return fail(error.what(), false);
  }
  try {
    const std::lock_guard lock(mutex);
    for (Watched& watched : all)
      if (!wrong) wrong = look_at(watched);
    for (Watched& watched : all) finalize(watched);
  } catch (const std::exception& error) {  // thrown by the device
    wrong = error.what();
  }
  if (wrong) fail(*wrong, true);
}

void NcclWatch::State::run(Device& device) {
  try {
    // Makes it the thread's current device; polling its events would otherwise initialise device 0.
    (void)device.stream();
  } catch (const Error& error) {
    fail(error.what(), true);
  }
  for (std::unique_lock lock(mutex); !(stop && all.empty());) {
    wake.wait_for(lock, kPeriod);
    lock.unlock();
    if (!failed) look();
    release();
    lock.lock();
  }
}

NcclWatch::NcclWatch(Communicator& host, Device& device, std::chrono::duration<double> deadline)
    : state_(std::make_shared<State>(host, deadline)) {
  state_->thread = start_thread([state = state_, &device] {
    state->run(device);
    const std::lock_guard lock(state->mutex);
    state->ended = true;
    state->wake.notify_all();
  });
}

NcclWatch::~NcclWatch() {
  std::unique_lock lock(state_->mutex);
  state_->stop = true;
  state_->wake.notify_all();
  const auto grace = std::min(state_->deadline, kAbortGrace);
  const bool ended =
      state_->wake.wait_for(lock, state_->failed ? grace : state_->deadline + grace, [&] { return state_->ended; });
  lock.unlock();
  if (ended) {
    state_->thread.join();
    return;
  }
  warn("[dist.nccl] NCCL does not return from aborting a communicator; its resources are not freed");
  {
    const std::lock_guard host_lock(state_->host_mutex);
    state_->host = nullptr;
  }
  state_->thread.detach();
}

void NcclWatch::add(std::shared_ptr<NcclHandle> handle) {
  const std::lock_guard lock(state_->mutex);
  state_->all.push_back({std::move(handle), {}, State::Watched::Phase::kUsed, {}});
}

void NcclWatch::expect(const std::shared_ptr<NcclHandle>& handle, Work work) {
  const std::lock_guard lock(state_->mutex);
  if (State::Watched* const watched = state_->find(handle)) watched->queue.push_back({std::move(work), std::nullopt});
}

void NcclWatch::give_up(const std::shared_ptr<NcclHandle>& handle, bool orderly) noexcept {
  const std::lock_guard lock(state_->mutex);
  State::Watched* const watched = state_->find(handle);
  if (watched == nullptr) return;
  watched->phase = orderly ? State::Watched::Phase::kDraining : State::Watched::Phase::kAborting;
  watched->given_up = Clock::now();
  state_->wake.notify_all();
}

void NcclWatch::fail(const std::string& reason) noexcept { state_->fail(reason, true); }

void NcclWatch::check() const {
  if (state_->failed.load(std::memory_order_acquire)) throw CommunicationError(state_->failure);
}

double NcclWatch::deadline_s() const { return state_->deadline.count(); }

}  // namespace polyscene::dist
