#include "dist/device/staged.h"

#include <numeric>

#include "dist/call.h"
#include "dist/world.h"

namespace polyscene::dist {
namespace {

size_t total(std::span<const int64_t> counts) { return std::accumulate(counts.begin(), counts.end(), int64_t{0}); }

}  // namespace

StagedCommunicator::StagedCommunicator(std::shared_ptr<Communicator> host, Device& device)
    : Communicator(host->rank(), host->size()), host_(std::move(host)), device_(device) {}

std::unique_ptr<Communicator> StagedCommunicator::split(int color) {
  return std::make_unique<StagedCommunicator>(host_->split(color), device_);
}

std::byte* StagedCommunicator::stage(size_t bytes) {
  if (stage_bytes_ < bytes) {
    stage_.reset();
    stage_ = device_.allocate_pinned(bytes);
    stage_bytes_ = bytes;
  }
  return static_cast<std::byte*>(stage_.get());
}

void StagedCommunicator::fetch(std::byte* host, const void* device, size_t bytes) {
  if (bytes > 0) device_.copy_out(host, device, bytes);
}

void StagedCommunicator::deliver(void* device, const std::byte* host, size_t bytes) {
  if (bytes > 0) device_.copy_in(device, host, bytes);
}

void StagedCommunicator::do_meet(const Call& call, std::span<const int64_t> send_counts,
                                 std::span<const int64_t> receive_counts) {
  on_host().meet(call, send_counts, receive_counts);
}

void StagedCommunicator::do_all_reduce(void* data, size_t count, DType dtype, ReduceOp op) {
  const size_t bytes = count * size_bytes(dtype);
  std::byte* const host = stage(bytes);
  fetch(host, data, bytes);
  on_host().all_reduce(host, count, dtype, op);
  deliver(data, host, bytes);
}

void StagedCommunicator::do_all_gather(const void* input, void* output, size_t bytes) {
  const size_t all = bytes * size();
  std::byte* const sent = stage(bytes + all);
  fetch(sent, input, bytes);
  on_host().all_gather(sent, sent + bytes, bytes);
  deliver(output, sent + bytes, all);
}

void StagedCommunicator::do_all_gather_v(const void* input, size_t count, size_t element_bytes,
                                         const std::function<void*(size_t elements)>& allocate) {
  on_host().all_gather_v(input, count, element_bytes, allocate);
}

void StagedCommunicator::do_reduce_scatter(const void* input, void* output, size_t count, DType dtype) {
  const size_t bytes = count * size_bytes(dtype), all = bytes * size();
  std::byte* const sent = stage(all + bytes);
  fetch(sent, input, all);
  on_host().reduce_scatter(sent, sent + all, count, dtype);
  deliver(output, sent + all, bytes);
}

std::vector<int64_t> StagedCommunicator::do_exchange_counts(std::span<const int64_t> counts) {
  return on_host().exchange_counts(counts);
}

void StagedCommunicator::do_broadcast(void* data, size_t bytes, int root) {
  std::byte* const host = stage(bytes);
  if (rank() == root) fetch(host, data, bytes);
  on_host().broadcast(host, bytes, root);
  if (rank() != root) deliver(data, host, bytes);
}

void StagedCommunicator::do_all_to_all_v(const void* input, std::span<const int64_t> send_counts, void* output,
                                         std::span<const int64_t> receive_counts, size_t element_bytes) {
  const size_t send_bytes = total(send_counts) * element_bytes, receive_bytes = total(receive_counts) * element_bytes;
  std::byte* const sent = stage(send_bytes + receive_bytes);
  fetch(sent, input, send_bytes);
  on_host().all_to_all_v(sent, send_counts, sent + send_bytes, receive_counts, element_bytes);
  deliver(output, sent + send_bytes, receive_bytes);
}

std::unique_ptr<Communicator> make_staged_communicator(Communicator& host, Device& device) {
  return std::make_unique<StagedCommunicator>(std::shared_ptr<Communicator>(&host, [](Communicator*) {}), device);
}

}  // namespace polyscene::dist
