// Collectives on device memory with NCCL, for ranks that have a host communicator.
#pragma once

#include "dist/call.h"
#include "dist/nccl/handle.h"
#include "dist/nccl/watch.h"
#include "dist/world.h"

namespace polyscene::dist {

class NcclCommunicator final : public Communicator {
 public:
  // The state that a rank's communicator shares with its splits.
  struct Shared {
    std::shared_ptr<const NcclLibrary> library;
    Device& device;
    NcclOptions options;
    std::shared_ptr<NcclWatch> watch;
  };

  // Collective over `host`.
  NcclCommunicator(std::shared_ptr<Communicator> host, Shared shared);
  ~NcclCommunicator() override;

  [[nodiscard]] std::string name() const override { return "nccl"; }
  [[nodiscard]] int process() const override { return host_->process(); }
  [[nodiscard]] int processes() const override { return host_->processes(); }
  void barrier() override;
  [[nodiscard]] std::unique_ptr<Communicator> split(int color) override;
  void abort(const std::string& reason) noexcept override { watch().fail(reason); }
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

  [[nodiscard]] Untyped on_host() const { return Untyped(*host_); }

  // The bytes to send to a rank and to receive from it; 0 bytes mean no message.
  struct Exchange {
    const std::byte* send = nullptr;
    size_t send_bytes = 0;
    std::byte* receive = nullptr;
    size_t receive_bytes = 0;
  };

  [[nodiscard]] NcclWatch& watch() const { return *shared_.watch; }
  [[nodiscard]] Device& device() const { return shared_.device; }
  void connect();
  // The frame of every call: the hosts meet, work() queues the work unless `nothing` is true, and the watch is
  // notified.
  void run(const Call& call, bool nothing, const std::function<void()>& work, std::span<const int64_t> send_counts = {},
           std::span<const int64_t> receive_counts = {});
  // Calls NCCL and returns once NCCL has queued its work.
  using Question = std::function<nccl::Result(const NcclLibrary&, nccl::Comm*)>;
  void queue(const Call& call, const Question& ask);
  [[noreturn]] void fail(const std::string& message);
  // Exchanges messages with all ranks in one step. What a rank sends to itself is not moved.
  void exchange(const Call& call, std::span<const Exchange> with);
  void reduce_in_rank_order(const Call& call, std::byte* data);
  std::byte* scratch(size_t bytes);

  std::shared_ptr<Communicator> host_;
  Shared shared_;
  std::shared_ptr<NcclHandle> handle_;  // null in a world of one
  std::shared_ptr<void> scratch_;       // reused from call to call: the queue orders the uses
  size_t scratch_bytes_ = 0;
  int64_t calls_ = 0;
  int exceptions_at_start_;
};

}  // namespace polyscene::dist
