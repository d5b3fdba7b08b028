// A rank of an mpirun job: a process, or one of the threads that a process hosts as ranks.
#pragma once

#include "dist/communicator.h"
#include "dist/mpi/channel.h"

namespace polyscene::dist {

class MpiCommunicator final : public Communicator {
 public:
  explicit MpiCommunicator(Channel channel);

  [[nodiscard]] std::string name() const override { return "mpi"; }
  [[nodiscard]] int process() const override { return channel_.process(rank()); }
  [[nodiscard]] int processes() const override { return channel_.hosting().processes; }
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

  // Every rank sends its input to all others; the input of rank r goes to bytes [offsets[r], offsets[r + 1]) of output.
  void gather(Collective collective, const void* input, std::byte* output, std::span<const size_t> offsets);
  // Sends pieces[r] to rank r; output receives the reduction of all pieces for this rank, its own included.
  void reduce_pieces(Collective collective, const Channel::Outgoing& pieces, void* output, DType dtype, ReduceOp op);
  void reduce_short(std::byte* data, size_t count, DType dtype, ReduceOp op);
  void reduce_sliced(std::byte* data, size_t count, DType dtype, ReduceOp op);
  std::byte* scratch(size_t bytes);

  Channel channel_;
  std::vector<std::byte> scratch_;  // reused from call to call, because fresh pages cost as much as the transfer
};

// Makes a world whose ranks are the processes of the job. Collective over the processes.
[[nodiscard]] std::unique_ptr<Communicator> make_processes(const std::shared_ptr<MpiSession>& session,
                                                           CommunicatorOptions options);

// Makes a world of `ranks` ranks spread over the processes according to Hosting, and returns those of this process, in
// order. Collective over the processes; throws InvalidArgument on all of them if there are more processes than ranks.
[[nodiscard]] std::vector<std::unique_ptr<Communicator>> host_ranks(const std::shared_ptr<MpiSession>& session,
                                                                    int ranks, CommunicatorOptions options);

}  // namespace polyscene::dist
