#include "core/train/input_copies.h"

#include "ops/base/error.h"

namespace polyscene {

// The memory goes back on the queue that copies: not before what reads it is done.
InputCopies::~InputCopies() {
  try {
    queue_->wait_for(*compute_.record());
  } catch (const Error&) {
    // A device that failed: whoever used it last has said so.
  }
}

void InputCopies::begin() {
  read_[set_] = compute_.record();  // behind the step that reads the set filled last
  set_ = 1 - set_;
  next_ = 0;
  if (read_[set_]) queue_->wait_for(*read_[set_]);
}

TensorView InputCopies::add(const TensorView& host) {
  std::vector<Copy>& set = sets_[set_];
  if (next_ == set.size()) set.emplace_back();
  Copy& copy = set[next_++];
  const int64_t bytes = host.bytes();
  if (copy.memory == nullptr || copy.bytes < bytes) {
    copy.memory.reset();
    copy.bytes = bytes + bytes / 4;
    copy.memory = queue_->allocate(copy.bytes, "inputs of the batch");
  }
  queue_->copy_in(copy.memory.get(), host.data, bytes);
  return {copy.memory.get(), host.dtype, host.shape};
}

void InputCopies::end() { compute_.wait_for(*queue_->record()); }

}  // namespace polyscene
