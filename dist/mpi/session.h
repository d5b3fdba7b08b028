// MPI in this process: initialised once, with one duplicate of MPI_COMM_WORLD for everything, and finalised with the
// last communicator. A process has one MPI and hence one session, however many ranks it hosts. Rank and size here count
// processes; failures name ranks of worlds.
//
// Only one thread at a time calls MPI. Hosted ranks are threads, and one that gives up in the middle of an exchange
// frees buffers that MPI still uses: silence() ensures that no other thread lets MPI continue with them.
//
// Failures. The rank that fails first sends all others a notice, which they look for in every wait; they stop with an
// error that names that rank. A broken session is never finalised (that would wait for dead processes): the process
// ends without it, which mpirun treats as a failure of the job whatever the exit code. At exit the ranks exchange
// farewells, so that all have printed their errors before the first exit makes mpirun kill the rest. The rank that
// failed first exits first, because mpirun returns its exit code. Before that each rank announces the error that it
// ends with, so that an error of all ranks is printed once.
#pragma once

#include <mpi.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "dist/call.h"

namespace polyscene::dist {

class MpiSession {
 public:
  // Initialises MPI at the first call. The last owner to release it finalises MPI and waits for the other ranks, at
  // most for the longest deadline given. Throws InvalidArgument once MPI is finalised, CommunicationError if MPI does
  // not start.
  static std::shared_ptr<MpiSession> acquire(std::chrono::duration<double> deadline);

  [[nodiscard]] MPI_Comm comm() const { return comm_; }
  // See reporting_rank() in world.h.
  static int reporting_rank(const std::string& error) noexcept;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }

  // Every communicator has its own range of tags, so split needs no MPI communicator (MPI cannot make one with a
  // deadline). No communicator of this process has used the tags from next_tag() on.
  [[nodiscard]] int64_t next_tag() const { return next_tag_; }
  [[nodiscard]] int64_t max_tag() const { return max_tag_; }
  static constexpr int64_t kProcessTag = 1;  // first of the tags with which processes make worlds and meet at the end
  void use_tags_below(int64_t end) noexcept;

  // Runs `body`, which calls MPI, while no other thread of the process does. After silence() it runs nothing and
  // returns false.
  template <class Body>
  bool call_mpi(Body&& body) {
    const std::lock_guard lock(mpi_mutex_);
    if (silent_) return false;
    body();
    return true;
  }
  // Ends all use of MPI by this process, because buffers that MPI still uses are about to be freed.
  void silence() noexcept;
  // Keeps the buffers of pending requests until the process ends.
  void keep(std::shared_ptr<void> buffers);

  // Marks the job as failed by a rank of this process and notifies all other processes. Only the first failure counts.
  void fail(int world_rank, const std::string& reason) noexcept;
  // Receives notices of other processes.
  void poll() noexcept;
  // The failure that broke the session, of a rank here or elsewhere; null without a failure.
  [[nodiscard]] std::shared_ptr<const Failure> failure() const;
  // Sets the rank that is named in failures of the whole process; by default the process's own number.
  void represent(int world_rank) noexcept { representative_ = world_rank; }

 private:
  struct Notice;

  MpiSession();
  static void release(MpiSession* session) noexcept;
  static void leave_at_exit() noexcept;
  void close() noexcept;
  void end_broken() noexcept;
  void tell_all(const Notice& notice) noexcept;
  void receive_notices();
  void take(const Notice& notice);
  [[nodiscard]] bool all_said_farewell() const;
  [[nodiscard]] bool rank_0_reports(const std::string& error) noexcept;

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  int64_t max_tag_ = 0;
  std::atomic<int64_t> next_tag_ = kProcessTag;
  std::atomic<int> representative_ = 0;
  std::chrono::duration<double> deadline_{};
  int exceptions_at_start_ = 0;
  std::mutex mpi_mutex_;  // if both are taken, mutex_ is taken first
  bool silent_ = false;   // guarded by mpi_mutex_
  mutable std::mutex mutex_;
  std::shared_ptr<const Failure> failure_;
  std::atomic<bool> failed_here_ = false;
  std::vector<char> farewells_;                // [size]
  std::optional<uint64_t> rank_0_error_hash_;  // of the error with which rank 0 ends
  std::vector<std::shared_ptr<void>> kept_;
  struct Arriving;
  std::vector<Arriving> arriving_;  // notices whose sender is known and whose text is still arriving
};

// Throws CommunicationError unless code is MPI_SUCCESS.
void check_mpi(int code, const char* function);

// Throws CommunicationError unless MPI started with as much support for threads as a session needs.
void check_thread_level(int provided);

}  // namespace polyscene::dist
