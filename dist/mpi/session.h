// MPI as this process uses it: initialised once, one duplicate of MPI_COMM_WORLD for everything, finalised with the
// last communicator. MPI itself is one per process, hence so is the session, whatever number of ranks the process
// hosts. Rank and size here are those of processes; failures name the ranks of worlds.
//
// One thread at a time calls MPI. Hosted ranks are threads, and one that gives up in the middle of an exchange frees
// buffers that MPI knows: silence() makes sure that no other thread lets MPI go on with them.
//
// Failure. The rank that fails first tells all others with a notice they look for in every wait; they stop with an
// error that names it. A broken session is never finalised (that would wait for the dead): the process ends without,
// which mpirun takes as a failure of the job whatever the exit code. At exit the ranks say farewell to one another, so
// that all have printed their errors before the first one to leave makes mpirun kill the rest; the rank that failed
// first leaves first, because mpirun returns its exit code. Before that each tells with what words it ends, so that an
// error that all meet is printed once.
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

namespace polyscene {

class MpiSession {
 public:
  // Initialises MPI at the first call. The last owner to let go finalises it, waiting for the other ranks for at most
  // the longest deadline given. Throws InvalidArgument once MPI is finalised, CommunicationError if it does not start.
  static std::shared_ptr<MpiSession> acquire(std::chrono::duration<double> deadline);

  [[nodiscard]] MPI_Comm comm() const { return comm_; }
  // As speaking_rank() in world.h.
  static int speaking_rank(const std::string& error) noexcept;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }

  // Every communicator has a range of tags of its own, so that split needs no MPI communicator (MPI has no way to make
  // one with a deadline). Tags from next_tag() on have been used by no communicator of this process.
  [[nodiscard]] int64_t next_tag() const { return next_tag_; }
  [[nodiscard]] int64_t max_tag() const { return max_tag_; }
  static constexpr int64_t kProcessTag = 1;  // first of those with which processes make worlds and meet at the end
  void use_tags_below(int64_t end) noexcept;

  // Runs body, which calls MPI, while no other thread of the process does. False, and nothing is run, once silent.
  template <class Body>
  bool call_mpi(Body&& body) {
    const std::lock_guard lock(mpi_mutex_);
    if (silent_) return false;
    body();
    return true;
  }
  // From here on nobody calls MPI: buffers that it still knows are about to be freed.
  void silence() noexcept;
  // Keeps the buffers of pending requests for the rest of the process.
  void keep(std::shared_ptr<void> buffers);

  // Marks the job as failed by a rank of this process and tells all other processes. Only the first failure counts.
  void fail(int world_rank, const std::string& reason) noexcept;
  // Takes in notices of other processes.
  void poll() noexcept;
  // The failure that broke the session, of a rank here or elsewhere; null while all is well.
  [[nodiscard]] std::shared_ptr<const Failure> failure() const;
  // The rank that failures of the process as a whole are reported as; its own number unless it hosts other ranks.
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
  [[nodiscard]] bool rank_0_says(const std::string& error) noexcept;

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  int64_t max_tag_ = 0;
  std::atomic<int64_t> next_tag_ = kProcessTag;
  std::atomic<int> representative_ = 0;
  std::chrono::duration<double> deadline_{};
  int exceptions_at_start_ = 0;
  std::mutex mpi_mutex_;  // taken after mutex_ where both are
  bool silent_ = false;   // guarded by mpi_mutex_
  mutable std::mutex mutex_;
  std::shared_ptr<const Failure> failure_;
  std::atomic<bool> failed_here_ = false;
  std::vector<char> farewells_;         // [size]
  std::optional<uint64_t> words_of_0_;  // a hash of the error with which rank 0 ends
  std::vector<std::shared_ptr<void>> kept_;
  struct Arriving;
  std::vector<Arriving> arriving_;  // notices whose sender is known and whose text is under way
};

// Throws CommunicationError unless code is MPI_SUCCESS.
void check_mpi(int code, const char* function);

// Throws CommunicationError unless MPI started with as much support for threads as a session needs.
void check_thread_level(int provided);

}  // namespace polyscene
