#include "ops/device/input_copies.h"

#include "ops/base/error.h"

namespace polyscene {

// The memory is freed on the copying queue, and not before the work that reads it is done.
InputCopies::~InputCopies() {
  try {
    queue_->wait_for(*compute_.record());
  } catch (const Error&) {
    // The device failed; whoever used it last has already reported the failure.
  }
}

void InputCopies::begin() {
  read_[set_] = compute_.record();  // after the step that reads the set filled last
  set_ = 1 - set_;
  next_ = 0;
  if (read_[set_]) queue_->wait_for(*read_[set_]);
}

TensorView InputCopies::add(const TensorView& host) {
  auto& set = sets_[set_];
  if (next_ == set.size()) set.emplace_back(*queue_, consumer_);
  DeviceBuffer<std::byte>& copy = set[next_++];
  const size_t bytes = host.bytes();
  return {copy.assign({static_cast<const std::byte*>(host.data), bytes}), host.dtype, host.shape};
}

void InputCopies::end() { compute_.wait_for(*queue_->record()); }

}  // namespace polyscene
