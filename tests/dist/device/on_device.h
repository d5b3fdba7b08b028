// Lets tests that know only memory of the host use a communicator of a device: what they pass is copied into memory of
// the device, which is not aligned better than its elements are, and the results are copied out again.
#pragma once

#include "dist/communicator.h"
#include "ops/device/device.h"

namespace polyscene::testing {

class OnDevice final : public dist::Communicator {
 public:
  // `device` is the one `inner` works on.
  OnDevice(std::unique_ptr<dist::Communicator> inner, Device& device)
      : dist::Communicator(inner->rank(), inner->size()), inner_(std::move(inner)), device_(device) {}

  [[nodiscard]] std::string name() const override { return inner_->name(); }
  [[nodiscard]] int process() const override { return inner_->process(); }
  [[nodiscard]] int processes() const override { return inner_->processes(); }
  void barrier() override { inner_->barrier(); }
  [[nodiscard]] std::unique_ptr<dist::Communicator> split(int color) override {
    return std::make_unique<OnDevice>(inner_->split(color), device_);
  }
  void abort(const std::string& reason) noexcept override { inner_->abort(reason); }
  void check() override { inner_->check(); }

 private:
  void do_meet(const dist::Call& call, std::span<const int64_t> send_counts,
               std::span<const int64_t> receive_counts) override;
  void do_all_reduce(void* data, size_t count, DType dtype, dist::ReduceOp op) override;
  void do_all_gather(const void* input, void* output, size_t bytes) override;
  void do_all_gather_v(const void* input, size_t count, size_t element_bytes,
                       const std::function<void*(size_t elements)>& allocate) override;
  void do_reduce_scatter(const void* input, void* output, size_t count, DType dtype) override;
  [[nodiscard]] std::vector<int64_t> do_exchange_counts(std::span<const int64_t> counts) override;
  void do_broadcast(void* data, size_t bytes, int root) override;
  void do_all_to_all_v(const void* input, std::span<const int64_t> send_counts, void* output,
                       std::span<const int64_t> receive_counts, size_t element_bytes) override;

  class Buffer;

  [[nodiscard]] Untyped inner() const { return Untyped(*inner_); }

  std::unique_ptr<dist::Communicator> inner_;
  Device& device_;
};

}  // namespace polyscene::testing
