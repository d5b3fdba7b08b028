// One rank's part of an NCCL communicator. NCCL allows one thread at a time to use a communicator, and none after an
// abort; this class enforces both, so that a watching thread may abort a communicator that another thread uses. No NCCL
// call waits for other ranks: longer work continues in the background, and state() reports its progress.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "dist/nccl/library.h"

namespace polyscene::dist {

class NcclHandle {
 public:
  // Starts to create a communicator of `ranks` ranks that share an id, on the calling thread's current device. Throws
  // CommunicationError.
  NcclHandle(std::shared_ptr<const NcclLibrary> library, int ranks, const nccl::UniqueId& id, int rank);
  ~NcclHandle() { abort(); }
  NcclHandle(const NcclHandle&) = delete;
  NcclHandle& operator=(const NcclHandle&) = delete;

  // Returns body(library, comm), or nothing, without a call, once the communicator is gone.
  template <class Body>
  std::optional<nccl::Result> call(Body&& body) {
    const std::lock_guard lock(mutex_);
    if (comm_ == nullptr) return std::nullopt;
    return body(*library_, comm_);
  }
  // kInProgress, kSuccess, or the error of any earlier work; nothing once the communicator is gone.
  [[nodiscard]] std::optional<nccl::Result> state();
  // NCCL's description of a result, as long as the communicator exists.
  [[nodiscard]] std::string describe(nccl::Result result);

  // While one thread waits for its call to finish, other threads must not ask for the state: NCCL completes the work of
  // a call in the thread that asks.
  class Settling {
   public:
    explicit Settling(NcclHandle& handle) : handle_(handle) { handle_.settling_ = true; }
    ~Settling() { handle_.settling_ = false; }
    Settling(const Settling&) = delete;
    Settling& operator=(const Settling&) = delete;

   private:
    NcclHandle& handle_;
  };
  [[nodiscard]] bool settling() const { return settling_; }

  // Aborts all work that is queued or running. May take until other ranks of this machine abort too.
  void abort() noexcept;
  // Destroys the communicator, after ncclCommFinalize has finished.
  void destroy() noexcept;

 private:
  [[nodiscard]] nccl::Comm* take() noexcept;

  std::shared_ptr<const NcclLibrary> library_;
  std::mutex mutex_;
  nccl::Comm* comm_ = nullptr;  // null once it is gone
  std::atomic<bool> settling_ = false;
};

}  // namespace polyscene::dist
