// A rank that is a thread of this process. It reads the buffers of other ranks in place: nothing is staged or copied
// twice.
#pragma once

#include "dist/communicator.h"
#include "dist/local/group.h"

namespace polyscene::dist {

class LocalCommunicator final : public Communicator {
 public:
  LocalCommunicator(std::shared_ptr<LocalGroup> group, int rank);

  [[nodiscard]] std::string name() const override { return "local"; }
  void barrier() override;
  [[nodiscard]] std::unique_ptr<Communicator> split(int color) override;
  void abort(const std::string& reason) noexcept override;
  void check() override;

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

  class Meeting;

  std::shared_ptr<LocalGroup> group_;
};

}  // namespace polyscene::dist
