// The inputs of a step on a device. They are copied on a queue of their own, beside the work of the step before, into
// one of two sets of buffers by turns.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "ops/device/device_buffer.h"
#include "ops/tensor/tensor.h"

namespace polyscene {

class InputCopies {
 public:
  // `compute`, which must outlive this, is the queue that reads the copies.
  explicit InputCopies(Device& compute) : compute_(compute), queue_(compute.with_own_queue()) {}
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
  std::array<std::vector<DeviceBuffer<std::byte>>, 2> sets_;
  std::array<std::shared_ptr<Event>, 2> read_;  // once it is reached, the set's last step is done
  size_t set_ = 0, next_ = 0;
};

}  // namespace polyscene
