// A thread that watches the NCCL communicators of one rank: an NCCL call only queues work, so failures must be polled.
// It polls NCCL for errors, the device for finished work, and the host communicator for failures of other ranks. After
// the first failure it aborts NCCL, which ends kernels that hang; the next call throws the reason.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dist/call.h"
#include "dist/nccl/handle.h"
#include "ops/device/device.h"

namespace polyscene::dist {

class NcclWatch {
 public:
  // Queued work: the device must reach `end` within the deadline after it has reached `begin`. The watching thread
  // polls these events.
  struct Work {
    Call call;
    int rank, size;  // in the communicator that queued it
    int64_t number;  // index among the calls of that communicator
    std::shared_ptr<Event> begin, end;
  };

  // Failures are reported to `host` and polled from it; both arguments must outlive this object.
  NcclWatch(Communicator& host, Device& device, std::chrono::duration<double> deadline);
  // Waits for communicators that are being closed; if NCCL does not return from an abort, its thread is left behind.
  ~NcclWatch();
  NcclWatch(const NcclWatch&) = delete;
  NcclWatch& operator=(const NcclWatch&) = delete;

  void add(std::shared_ptr<NcclHandle> handle);
  void expect(const std::shared_ptr<NcclHandle>& handle, Work work);
  // Closes the communicator. orderly: together with the other ranks, once its work is done; else by an abort, because
  // an exception ends this rank and the other ranks would wait for it in vain.
  void give_up(const std::shared_ptr<NcclHandle>& handle, bool orderly) noexcept;

  // Records the first failure and notifies the other ranks; later ones are dropped.
  void fail(const std::string& reason) noexcept;
  // Throws CommunicationError after a failure.
  void check() const;
  [[nodiscard]] double deadline_s() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the thread, which may outlive this object
};

}  // namespace polyscene::dist
