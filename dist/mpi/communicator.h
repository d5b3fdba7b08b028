// A rank of an mpirun job: a process, or one of the threads that a process hosts as ranks.
#pragma once

#include "dist/communicator.h"
#include "dist/mpi/channel.h"

namespace polyscene {

class MpiCommunicator final : public Communicator {
 public:
  explicit MpiCommunicator(Channel channel);

  [[nodiscard]] std::string name() const override { return "mpi"; }
  void barrier() override;
  [[nodiscard]] std::unique_ptr<Communicator> split(int color) override;
  void abort(const std::string& reason) noexcept override;
  void check() override;
  void meet(const Call& call, std::span<const int64_t> send_counts, std::span<const int64_t> receive_counts) override;
  void do_all_reduce(void* data, size_t count, DType dtype, ReduceOp op) override;
  void do_all_gather(const void* input, void* output, size_t bytes) override;
  void do_all_gather_v(const void* input, size_t count, size_t element_bytes,
                       const std::function<void*(size_t elements)>& allocate) override;
  void do_reduce_scatter(const void* input, void* output, size_t count, DType dtype) override;
  [[nodiscard]] std::vector<int64_t> do_exchange_counts(std::span<const int64_t> counts) override;
  void do_broadcast(void* data, size_t bytes, int root) override;
  void do_all_to_all_v(const void* input, std::span<const int64_t> send_counts, void* output,
                       std::span<const int64_t> receive_counts, size_t element_bytes) override;

 private:
  // Every rank sends its input to all others; rank r's goes to output[offsets[r], offsets[r + 1]), in bytes.
  void gather(Collective collective, const void* input, std::byte* output, std::span<const size_t> offsets);
  // pieces[r] goes to rank r; output is the reduction of all that came here, this rank's own piece among them.
  void reduce_pieces(Collective collective, const Channel::Outgoing& pieces, void* output, DType dtype, ReduceOp op);
  void reduce_short(std::byte* data, size_t count, DType dtype, ReduceOp op);
  void reduce_sliced(std::byte* data, size_t count, DType dtype, ReduceOp op);
  std::byte* scratch(size_t bytes);

  Channel channel_;
  std::vector<std::byte> scratch_;  // kept from call to call: fresh pages cost as much as the transfer
};

// A world whose ranks are the processes of the job. Collective of these.
[[nodiscard]] std::unique_ptr<Communicator> make_processes(const std::shared_ptr<MpiSession>& session,
                                                           CommunicatorOptions options);

// A world of `ranks` ranks, spread over the processes as Hosting says: those of this process, in order. Collective of
// the processes; throws InvalidArgument on all if there are more of them than ranks.
[[nodiscard]] std::vector<std::unique_ptr<Communicator>> host_ranks(const std::shared_ptr<MpiSession>& session,
                                                                    int ranks, CommunicatorOptions options);

}  // namespace polyscene
