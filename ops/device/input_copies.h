// What a step on a device takes from the host. It is copied on a queue of its own, beside the work of the step before,
// into one of two sets of buffers by turns.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ops/device/device_buffer.h"
#include "ops/tensor/tensor.h"

namespace polyscene {

class InputCopies {
 public:
  // `compute`, which must outlive this, is the queue that reads the copies. consumer: as in Device::allocate.
  InputCopies(Device& compute, std::string consumer)
      : compute_(compute), queue_(compute.with_own_queue()), consumer_(std::move(consumer)) {}
  InputCopies(const InputCopies&) = delete;
  InputCopies& operator=(const InputCopies&) = delete;
  ~InputCopies();

  // A step: begin(), add() for each input in the same order as ever, end(). What compute() is given after end() finds
  // the copies there; they stay until the step after the next begins. The host's memory may change after add().
  void begin();
  [[nodiscard]] TensorView add(const TensorView& host);
  void end();

 private:
  Device& compute_;
  std::shared_ptr<Device> queue_;
  std::string consumer_;
  std::array<std::vector<DeviceBuffer<std::byte>>, 2> sets_;
  std::array<std::shared_ptr<Event>, 2> read_;  // once it is reached, the set's last step is done
  size_t set_ = 0, next_ = 0;
};

}  // namespace polyscene
