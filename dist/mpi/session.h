// MPI as this process uses it: initialised once, one duplicate of MPI_COMM_WORLD for everything, finalised with the
// last communicator. MPI itself is one per process, hence so is the session.
//
// Failure. The rank that fails first tells all others with a notice they look for in every wait; they stop with an
// error that names it. A broken session is never finalised (that would wait for the dead): the process ends without,
// which mpirun takes as a failure of the job whatever the exit code. At exit the ranks say farewell to one another, so
// that all have printed their errors before the first one to leave makes mpirun kill the rest; the rank that failed
// first leaves first, because mpirun returns its exit code.
#pragma once

#include <mpi.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace polyscene {

class Session {
 public:
  struct Failure {
    int world_rank;
    std::string reason;
  };

  // Initialises MPI at the first call. The last owner to let go finalises it, waiting for the other ranks for at most
  // the longest deadline given. Throws InvalidArgument once MPI is finalised, CommunicationError if it does not start.
  static std::shared_ptr<Session> acquire(std::chrono::duration<double> deadline);

  [[nodiscard]] MPI_Comm comm() const { return comm_; }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  // Tags are cut into contexts of kTagsPerContext, one context per communicator, so that split needs no MPI
  // communicator (MPI has no way to make one with a deadline).
  [[nodiscard]] int64_t max_contexts() const { return max_contexts_; }
  // The first context not in use on this rank.
  std::atomic<int64_t> next_context = 1;

  // Marks the job as failed by this rank and tells all others. Only the first failure counts.
  void fail(const std::string& reason) noexcept;
  // Takes in notices of other ranks.
  void poll() noexcept;
  // The failure that broke the session, its own or that of another rank; null while all is well.
  [[nodiscard]] std::shared_ptr<const Failure> failure() const;

  // No call of MPI is made any more: buffers that MPI still knows are about to be freed.
  void silence() noexcept { silent_ = true; }
  // Keeps the buffers of pending requests for the rest of the process.
  void keep(std::shared_ptr<void> buffers);

  static constexpr int kTagsPerContext = 2;

 private:
  struct Notice;

  Session();
  static void release(Session* session) noexcept;
  static void leave_at_exit() noexcept;
  void close() noexcept;
  void end_broken() noexcept;
  void tell_all(const Notice& notice) noexcept;
  void receive_notices();
  void take(const Notice& notice);
  [[nodiscard]] bool all_said_farewell() const;

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  int64_t max_contexts_ = 0;
  std::chrono::duration<double> deadline_{};
  int exceptions_at_start_ = 0;
  std::atomic<bool> silent_ = false;
  mutable std::mutex mutex_;
  std::shared_ptr<const Failure> failure_;
  std::vector<char> farewells_;  // [size]
  std::vector<std::shared_ptr<void>> kept_;
  struct Arriving;
  std::vector<Arriving> arriving_;  // notices whose sender is known and whose text is under way
};

// Throws CommunicationError unless code is MPI_SUCCESS.
void check_mpi(int code, const char* function);

}  // namespace polyscene
