#include "dist/mpi/session.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <thread>
#include <type_traits>

#include "dist/mpi/backoff.h"
#include "dist/mpi/channel.h"
#include "dist/world.h"
#include "ops/base/thread.h"
#include "ops/base/warning.h"

namespace polyscene::dist {
namespace {

constexpr int kThreadsOfMpi = 2;  // Open MPI 4.1 has two; with fewer it would end the process itself
constexpr int kNoticeTag = 0;
constexpr int kLooksBeforeFailing = 8;
constexpr std::chrono::milliseconds kSendGrace(20);        // for notices to be sent; they are short and leave at once
constexpr std::chrono::milliseconds kFarewellGrace(2000);  // for other ranks to print their errors
constexpr std::chrono::milliseconds kOriginLead(300);  // by which the rank that failed first exits before the others

// The state of MPI in this process, which has one MPI and cannot start it twice.
struct ProcessState {
  std::mutex mutex;
  std::weak_ptr<MpiSession> session;
  MpiSession* live = nullptr;  // never deleted once broken: MPI may use its buffers until the process ends
  bool finalized = false;
};

ProcessState& process_state() {
  static ProcessState* state = new ProcessState;  // outlives the exit handlers
  return *state;
}

}  // namespace

struct MpiSession::Notice {
  enum class Kind : int32_t { kFailed, kFinalError, kFarewell } kind;
  int32_t rank;         // failed: world rank; else rank of the process
  uint64_t error_hash;  // of a final error
  char reason[2032];
};

struct MpiSession::Arriving {
  MPI_Request request = MPI_REQUEST_NULL;
  std::shared_ptr<Notice> notice = std::make_shared<Notice>();
};

void check_mpi(int code, const char* function) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw CommunicationError(str("[dist.mpi] ", function, " failed: ", text));
}

void check_thread_level(int provided) {
  require<CommunicationError>(provided >= MPI_THREAD_SERIALIZED, "[dist.mpi] wanted MPI_THREAD_SERIALIZED, got level ",
                              provided, "; use an MPI library built with thread support");
}

std::shared_ptr<MpiSession> MpiSession::acquire(std::chrono::duration<double> deadline) {
  ProcessState& state = process_state();
  const std::lock_guard lock(state.mutex);
  std::shared_ptr<MpiSession> session = state.session.lock();
  if (!session) {
    require(!state.finalized,
            "[dist.make_mpi_world] MPI was finalised with the last communicator and cannot be started",
            " again in this process; keep one communicator for as long as any is needed");
    require(state.live == nullptr,
            "[dist.make_mpi_world] the job has failed; no new world can be made; let the first error end the program");
    session = std::shared_ptr<MpiSession>(new MpiSession, &MpiSession::release);
    state.live = session.get();
    state.session = session;
    std::atexit([] { MpiSession::leave_at_exit(); });
  }
  session->deadline_ = std::max(session->deadline_, deadline);
  return session;
}

MpiSession::MpiSession() : exceptions_at_start_(std::uncaught_exceptions()) {
  require_threads(kThreadsOfMpi);
  int provided = 0;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
  check_thread_level(provided);
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &comm_), "MPI_Comm_dup");
  check_mpi(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
  int found = 0;
  int* upper_bound = nullptr;
  check_mpi(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, static_cast<void*>(&upper_bound), &found),
            "MPI_Comm_get_attr");
  max_tag_ = found ? *upper_bound : 32767;
  representative_ = rank_;
  farewells_.assign(size_, 0);
}

std::shared_ptr<const Failure> MpiSession::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void MpiSession::use_tags_below(int64_t end) noexcept {
  for (int64_t next = next_tag_; next < end && !next_tag_.compare_exchange_weak(next, end);) {
  }
}

void MpiSession::silence() noexcept {
  const std::lock_guard lock(mpi_mutex_);
  silent_ = true;
}

void MpiSession::keep(std::shared_ptr<void> buffers) {
  const std::lock_guard lock(mutex_);
  kept_.push_back(std::move(buffers));
}

void MpiSession::fail(int world_rank, const std::string& reason) noexcept {
  // A process that did not poll for a while may learn only now that another rank failed first.
  for (Backoff backoff; backoff.polls() < kLooksBeforeFailing; backoff.pause()) poll();
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return;
    failure_ = std::make_shared<Failure>(Failure{world_rank, reason});
    failed_here_ = true;
  }
  Notice notice{.kind = Notice::Kind::kFailed, .rank = world_rank, .error_hash = 0, .reason = {}};
  std::strncpy(notice.reason, reason.c_str(), sizeof(notice.reason) - 1);
  tell_all(notice);
}

// Sends without waiting for receivers: the buffers are kept, and processes that are gone are not waited for.
void MpiSession::tell_all(const Notice& notice) noexcept {
  const auto buffer = std::make_shared<Notice>(notice);
  keep(buffer);
  std::vector<MPI_Request> requests;
  const auto send = [&] {
    for (int step = 1; step < size_; ++step) {
      MPI_Request request = MPI_REQUEST_NULL;
      const int peer = (rank_ + step) % size_;
      if (MPI_Isend(buffer.get(), sizeof(Notice), MPI_BYTE, peer, kNoticeTag, comm_, &request) == MPI_SUCCESS) {
        requests.push_back(request);
      }
    }
  };
  int done = 0;
  const auto test = [&] {
    MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE);
  };
  if (!call_mpi(send)) return;
  for (Backoff backoff; !done && backoff.idle() < kSendGrace; backoff.pause()) {
    if (!call_mpi(test)) return;
  }
}

void MpiSession::poll() noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  call_mpi([&] {
    receive_notices();
    std::erase_if(arriving_, [&](Arriving& each) {
      int done = 0;
      if (MPI_Test(&each.request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return true;
      if (done) take(*each.notice);
      return done != 0;
    });
  });
}

// Starts to receive announced notices without waiting for them, because the sender may be dead. Called under both
// locks.
void MpiSession::receive_notices() {
  for (;;) {
    int found = 0;
    MPI_Message message;
    const int code = MPI_Improbe(MPI_ANY_SOURCE, kNoticeTag, comm_, &found, &message, MPI_STATUS_IGNORE);
    if (code != MPI_SUCCESS || !found) return;
    Arriving& each = arriving_.emplace_back();
    if (MPI_Imrecv(each.notice.get(), sizeof(Notice), MPI_BYTE, &message, &each.request) != MPI_SUCCESS) {
      arriving_.pop_back();
    }
  }
}

// Called under the lock.
void MpiSession::take(const Notice& notice) {
  static_assert(std::is_trivially_copyable_v<Notice>);
  if (notice.kind == Notice::Kind::kFarewell) {
    farewells_[notice.rank] = 1;
  } else if (notice.kind == Notice::Kind::kFinalError) {
    if (notice.rank == 0) rank_0_error_hash_ = notice.error_hash;
  } else if (!failure_) {
    failure_ = std::make_shared<Failure>(Failure{notice.rank, notice.reason});
  }
}

bool MpiSession::all_said_farewell() const {
  const std::lock_guard lock(mutex_);
  for (int r = 0; r < size_; ++r) {
    if (r != rank_ && !farewells_[r]) return false;
  }
  return true;
}

void MpiSession::release(MpiSession* session) noexcept {
  ProcessState& state = process_state();
  if (!session->failure()) session->close();
  if (session->failure()) return;
  const std::lock_guard lock(state.mutex);
  MPI_Finalize();
  state.finalized = true;
  state.live = nullptr;
  delete session;
}

// All ranks meet one last time, with a deadline, so that MPI_Finalize does not wait for missing ones.
void MpiSession::close() noexcept {
  if (std::uncaught_exceptions() > exceptions_at_start_) {
    return fail(representative_, "its communicator was left by an exception");
  }
  try {
    const std::shared_ptr<MpiSession> borrowed(this, [](MpiSession*) {});
    Channel::of_processes(borrowed, kProcessTag, {.deadline = deadline_}).arrive({.collective = Collective::kLeave});
    MPI_Comm_free(&comm_);
  } catch (const std::exception& error) {
    warn(error.what());
    fail(representative_, error.what());
  }
}

int MpiSession::reporting_rank(const std::string& error) noexcept {
  try {
    MpiSession* session = process_state().live;
    std::shared_ptr<MpiSession> started;
    if (session == nullptr) {
      if (process_state().finalized) return 0;
      started = acquire({});
      session = started.get();
    }
    if (!session->failure()) session->fail(session->representative_, error);
    return session->rank_0_reports(error) ? kSilent : session->rank_;
  } catch (const std::exception&) {
    return 0;  // without MPI no process knows of another
  }
}

bool MpiSession::rank_0_reports(const std::string& error) noexcept {
  const uint64_t error_hash = std::hash<std::string>()(error);
  tell_all({.kind = Notice::Kind::kFinalError, .rank = rank_, .error_hash = error_hash, .reason = {}});
  if (rank_ == 0) return false;
  for (Backoff backoff; backoff.idle() < kFarewellGrace; backoff.pause()) {
    poll();
    const std::lock_guard lock(mutex_);
    if (!rank_0_error_hash_) continue;
    // Also true if this rank stopped because rank 0 failed: rank 0 prints the reason.
    const bool echo = failure_ && !failed_here_ && std::hash<std::string>()(failure_->reason) == *rank_0_error_hash_;
    return echo || *rank_0_error_hash_ == error_hash;
  }
  return false;
}

void MpiSession::leave_at_exit() noexcept {
  MpiSession* session = process_state().live;
  if (session == nullptr) return;
  if (!session->failure()) session->fail(session->representative_, "it exited while its communicator was in use");
  session->end_broken();
}

void MpiSession::end_broken() noexcept {
  tell_all({.kind = Notice::Kind::kFarewell, .rank = rank_, .error_hash = 0, .reason = {}});
  for (Backoff backoff; !all_said_farewell() && backoff.idle() < kFarewellGrace; backoff.pause()) poll();
  if (!failed_here_) std::this_thread::sleep_for(kOriginLead);
}

}  // namespace polyscene::dist
