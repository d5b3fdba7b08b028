#include "tests/dist/device/on_device.h"

#include <numeric>

namespace polyscene::testing {

// A copy of the caller's bytes on the device, eight bytes behind where the device would have put it.
class OnDevice::Buffer {
 public:
  Buffer(Device& device, const void* host, size_t bytes)
      : device_(device),
        bytes_(static_cast<int64_t>(bytes)),
        memory_(device.allocate(bytes_ + kShift, "a test")),
        data_(static_cast<std::byte*>(memory_.get()) + kShift) {
    if (bytes > 0) device.copy_in(data_, host, bytes_);
  }
  [[nodiscard]] std::byte* data() const { return data_; }
  void copy_out(void* host, dist::Communicator& communicator) const {
    if (bytes_ > 0) device_.copy_out(host, data_, bytes_);
    communicator.check();
  }

 private:
  static constexpr int64_t kShift = 8;
  Device& device_;
  int64_t bytes_;
  std::shared_ptr<void> memory_;
  std::byte* data_;
};

namespace {

size_t total_bytes(std::span<const int64_t> counts, size_t element_bytes) {
  return static_cast<size_t>(std::accumulate(counts.begin(), counts.end(), int64_t{0})) * element_bytes;
}

}  // namespace

void OnDevice::do_meet(const dist::Call& call, std::span<const int64_t> send_counts,
                       std::span<const int64_t> receive_counts) {
  inner().meet(call, send_counts, receive_counts);
}

void OnDevice::do_all_reduce(void* data, size_t count, DType dtype, dist::ReduceOp op) {
  const Buffer buffer(device_, data, count * static_cast<size_t>(size_bytes(dtype)));
  inner().all_reduce(buffer.data(), count, dtype, op);
  buffer.copy_out(data, *inner_);
}

// Where the caller's input lies in its place in the output, so it does on the device.
void OnDevice::do_all_gather(const void* input, void* output, size_t bytes) {
  const size_t own = static_cast<size_t>(rank()) * bytes;
  const bool in_place = input == static_cast<std::byte*>(output) + own;
  const Buffer all(device_, output, bytes * static_cast<size_t>(size())), mine(device_, input, bytes);
  inner().all_gather(in_place ? all.data() + own : mine.data(), all.data(), bytes);
  all.copy_out(output, *inner_);
}

void OnDevice::do_all_gather_v(const void* input, size_t count, size_t element_bytes,
                               const std::function<void*(size_t elements)>& allocate) {
  inner().all_gather_v(input, count, element_bytes, allocate);
}

void OnDevice::do_reduce_scatter(const void* input, void* output, size_t count, DType dtype) {
  const size_t bytes = count * static_cast<size_t>(size_bytes(dtype));
  const Buffer all(device_, input, bytes * static_cast<size_t>(size())), mine(device_, output, bytes);
  inner().reduce_scatter(all.data(), mine.data(), count, dtype);
  mine.copy_out(output, *inner_);
}

std::vector<int64_t> OnDevice::do_exchange_counts(std::span<const int64_t> counts) {
  return inner().exchange_counts(counts);
}

void OnDevice::do_broadcast(void* data, size_t bytes, int root) {
  const Buffer buffer(device_, data, bytes);
  inner().broadcast(buffer.data(), bytes, root);
  buffer.copy_out(data, *inner_);
}

void OnDevice::do_all_to_all_v(const void* input, std::span<const int64_t> send_counts, void* output,
                               std::span<const int64_t> receive_counts, size_t element_bytes) {
  const Buffer sent(device_, input, total_bytes(send_counts, element_bytes));
  const Buffer received(device_, output, total_bytes(receive_counts, element_bytes));
  inner().all_to_all_v(sent.data(), send_counts, received.data(), receive_counts, element_bytes);
  received.copy_out(output, *inner_);
}

}  // namespace polyscene::testing
