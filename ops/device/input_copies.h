// Copies the host's inputs of a step to a device. The copies run on a second queue, concurrently with the previous
// step, and alternate between two sets of buffers.
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
  // `compute`, which must outlive this object, is the queue that reads the copies. consumer: see Device::allocate.
  InputCopies(Device& compute, std::string consumer)
      : compute_(compute), queue_(compute.with_own_queue()), consumer_(std::move(consumer)) {}
  InputCopies(const InputCopies&) = delete;
  InputCopies& operator=(const InputCopies&) = delete;
  ~InputCopies();

  // For each step: begin(), add() for each input in the same order every time, end(). Work queued on `compute` after
  // end() sees the copies; they remain until the step after the next one begins. The host's memory may change after
  // add().
  void begin();
  [[nodiscard]] TensorView add(const TensorView& host);
  void end();

 private:
  Device& compute_;
  std::shared_ptr<Device> queue_;
  std::string consumer_;
  std::array<std::vector<DeviceBuffer<std::byte>>, 2> sets_;
  std::array<std::shared_ptr<Event>, 2> read_;  // reached when the set's last step is done
  size_t set_ = 0, next_ = 0;
};

}  // namespace polyscene
