// One rank's part of an NCCL communicator. NCCL lets one thread at a time call it with a communicator, and none once it
// is aborted; both are kept here, so that a thread that watches may abort what another one uses. No call of NCCL waits
// for other ranks: what takes longer is under way, and state() tells how it stands.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "dist/nccl/library.h"

namespace polyscene {

class NcclHandle {
 public:
  // Starts to make a communicator of `ranks` ranks that share an id, on the calling thread's current device. Throws
  // CommunicationError.
  NcclHandle(std::shared_ptr<const NcclLibrary> library, int ranks, const nccl::UniqueId& id, int rank);
  ~NcclHandle() { abort(); }
  NcclHandle(const NcclHandle&) = delete;
  NcclHandle& operator=(const NcclHandle&) = delete;

  // What body(library, comm) gives back; nothing, without a call, once the communicator is gone.
  template <class Body>
  std::optional<nccl::Result> call(Body&& body) {
    const std::lock_guard lock(mutex_);
    if (comm_ == nullptr) return std::nullopt;
    return body(*library_, comm_);
  }
  // kInProgress, kSuccess, or what went wrong at any time; nothing once it is gone.
  [[nodiscard]] std::optional<nccl::Result> state();
  // What NCCL says of a result, as long as the communicator is there.
  [[nodiscard]] std::string describe(nccl::Result result);

  // While a thread waits for a call of its to be through, others do not ask for the state: what NCCL began for a call,
  // it brings to its end in the thread that asks.
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

  // Ends all work that is queued or under way. May take until other ranks of this machine abort too.
  void abort() noexcept;
  // Gives it back after ncclCommFinalize is through.
  void destroy() noexcept;

 private:
  [[nodiscard]] nccl::Comm* take() noexcept;

  std::shared_ptr<const NcclLibrary> library_;
  std::mutex mutex_;
  nccl::Comm* comm_ = nullptr;  // null once it is gone
  std::atomic<bool> settling_ = false;
};

}  // namespace polyscene
