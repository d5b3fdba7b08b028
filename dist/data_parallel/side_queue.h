// Collectives beside what a device computes: they go on a queue of their own, which waits for the computing queue where
// it needs its results, and the other way round; the host waits for neither.
//
//   SideQueue side(device);
//   const auto communicator = make_nccl_communicator(host, side.device());
//   for (bucket...) {
//     ... queue on `device` what completes the bucket ...
//     side.begin();
//     buckets.all_reduce_bucket(*communicator, gradients, bucket);
//   }
//   side.end();
//   ... queue on `device` what reads the gradients ...
#pragma once

#include "ops/device/device.h"

namespace polyscene {

class SideQueue {
 public:
  // `compute` must outlive it.
  explicit SideQueue(Device& compute) : compute_(compute), side_(compute.with_own_queue()) {}

  // The same device with the queue of its own: what communicators are made with.
  [[nodiscard]] Device& device() { return *side_; }
  // What is queued there from now on sees all that is on the computing queue by now.
  void begin() { side_->wait_for(*compute_.record()); }
  // What is computed from now on sees all that was queued there by now.
  void end() { compute_.wait_for(*side_->record()); }

 private:
  Device& compute_;
  std::shared_ptr<Device> side_;
};

}  // namespace polyscene
