// Collectives on device memory over a host communicator. Data to send is copied to pinned memory, and the host waits
// for that copy; received data is copied back without a wait. Any number of ranks may share one device.
#pragma once

#include "dist/communicator.h"
#include "ops/device/device.h"

namespace polyscene::dist {

class StagedCommunicator final : public Communicator {
 public:
  // `device` must outlive the communicator and its splits.
  StagedCommunicator(std::shared_ptr<Communicator> host, Device& device);

  [[nodiscard]] std::string name() const override { return "staged over " + host_->name(); }
  [[nodiscard]] int process() const override { return host_->process(); }
  [[nodiscard]] int processes() const override { return host_->processes(); }
  void barrier() override { host_->barrier(); }
  [[nodiscard]] std::unique_ptr<Communicator> split(int color) override;
  void abort(const std::string& reason) noexcept override { host_->abort(reason); }
  void check() override { host_->check(); }

 private:
  void do_meet(const Call& call, std::span<const int64_t> send_counts,
               std::span<const int64_t> receive_counts) override;
  void do_all_reduce(void* data, size_t count, DType dtype, ReduceOp op) override;
  void do_all_gather(const void* input, void* output, size_t bytes) override;
  void do_all_gather_v(const void* input, size_t count, size_t element_bytes,
                       const std::function<void*(size_t elements)>& allocate) override;
  void do_reduce_scatter(const void* input, void* output, size_t count, DType dtype) override;
  [[nodiscard]] std::vector<int64_t> do_exchange_counts(std::span<const int64_t> counts) override;
  void do_broadcast(void* data, size_t bytes, int root) override;
  void do_all_to_all_v(const void* input, std::span<const int64_t> send_counts, void* output,
                       std::span<const int64_t> receive_counts, size_t element_bytes) override;

  [[nodiscard]] Untyped on_host() const { return Untyped(*host_); }
  // Pinned memory, reused from call to call: first the data to send, then the data received.
  std::byte* stage(size_t bytes);
  // Copies the data to send to the host; waits for the copy.
  void fetch(std::byte* host, const void* device, size_t bytes);
  void deliver(void* device, const std::byte* host, size_t bytes);

  std::shared_ptr<Communicator> host_;
  Device& device_;
  std::shared_ptr<void> stage_;
  size_t stage_bytes_ = 0;
};

}  // namespace polyscene::dist
