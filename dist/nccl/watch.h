// A thread that watches over the NCCL communicators of one rank: a call of NCCL only queues work, and what becomes of
// that is seen by nobody who does not ask. It asks NCCL for errors, the device for what it has ended, and the
// communicator of the host for failures of other ranks. After the first failure it aborts NCCL, which ends kernels that
// hang; who makes the next call is told why.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dist/call.h"
#include "dist/nccl/handle.h"
#include "ops/device/device.h"

namespace polyscene {

class NcclWatch {
 public:
  // Work that was queued: the device must reach `end` within the deadline after it has reached `begin`. These events
  // are asked from the watching thread.
  struct Work {
    Call call;
    int rank, size;  // in the communicator that queued it
    int64_t number;  // of the calls of that communicator
    std::shared_ptr<Event> begin, end;
  };

  // `host` is told of failures and asked for them; both must outlive it.
  NcclWatch(Communicator& host, Device& device, std::chrono::duration<double> deadline);
  // Waits for communicators that are being given up; a NCCL that does not come back from an abort is left behind.
  ~NcclWatch();
  NcclWatch(const NcclWatch&) = delete;
  NcclWatch& operator=(const NcclWatch&) = delete;

  void add(std::shared_ptr<NcclHandle> handle);
  void expect(const std::shared_ptr<NcclHandle>& handle, Work work);
  // Gives the communicator up: together with the other ranks when its work is done, or by an abort, because this rank
  // is being left by an exception and its peers will not come.
  void give_up(const std::shared_ptr<NcclHandle>& handle, bool orderly) noexcept;

  // Only the first failure counts. Tells the other ranks.
  void fail(const std::string& reason) noexcept;
  // Throws CommunicationError after a failure.
  void check() const;
  [[nodiscard]] double deadline_s() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the thread, which may be left behind
};

}  // namespace polyscene
