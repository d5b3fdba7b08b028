// Runs collectives at the same time as computation on one device. They are queued on a second queue; each queue waits
// for the other where it needs its results, and the host waits for neither.
//
//   SideQueue side(device);
//   const auto communicator = make_nccl_communicator(host, side.device());
//   for (bucket...) {
//     ... queue on `device` the work that completes the bucket ...
//     side.begin();
//     buckets.all_reduce_bucket(*communicator, gradients, bucket);
//   }
//   side.end();
//   ... queue on `device` the work that reads the gradients ...
#pragma once

#include "ops/device/device.h"

namespace polyscene::dist {

class SideQueue {
 public:
  // `compute` must outlive it.
  explicit SideQueue(Device& compute) : compute_(compute), side_(compute.with_own_queue()) {}

  // The same device with the second queue; communicators are made with it.
  [[nodiscard]] Device& device() { return *side_; }
  // Work queued there after this call sees the results of all work that is on the computing queue now.
  void begin() { side_->wait_for(*compute_.record()); }
  // Work queued on the computing queue after this call sees the results of all work that is on the second queue now.
  void end() { compute_.wait_for(*side_->record()); }

 private:
  Device& compute_;
  std::shared_ptr<Device> side_;
};

}  // namespace polyscene::dist
