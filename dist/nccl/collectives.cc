#include <algorithm>

#include "dist/device/ordered_reduce.h"
#include "dist/nccl/communicator.h"

namespace polyscene::dist {
namespace {

nccl::DataType type_of(DType dtype) {
  constexpr nccl::DataType types[] = {nccl::DataType::kFloat32, nccl::DataType::kFloat64, nccl::DataType::kInt32,
                                      nccl::DataType::kInt64};
  return types[static_cast<int>(dtype)];
}

nccl::ReduceOp op_of(ReduceOp op) {
  constexpr nccl::ReduceOp ops[] = {nccl::ReduceOp::kSum, nccl::ReduceOp::kMin, nccl::ReduceOp::kMax};
  return ops[static_cast<int>(op)];
}

// Whether NCCL's own reduction fulfils the contract. NCCL may add in any order, which is exact for integers only, and
// drops NaN from a minimum or a maximum.
bool nccl_reduces(const NcclOptions& options, DType dtype, ReduceOp op) {
  return !is_floating(dtype) || (op == ReduceOp::kSum && !options.in_rank_order);
}

}  // namespace

std::byte* NcclCommunicator::scratch(size_t bytes) {
  if (scratch_bytes_ < bytes) {
    scratch_.reset();
    scratch_ = device().allocate(bytes, "reductions over ranks");
    scratch_bytes_ = bytes;
  }
  return static_cast<std::byte*>(scratch_.get());
}

// Every rank receives its share from all ranks, adds in rank order and sends the result to all, with the traffic of a
// ring.
void NcclCommunicator::reduce_in_rank_order(const Call& call, std::byte* data) {
  const size_t element = size_bytes(call.dtype), ranks = size();
  const size_t share = (call.count + ranks - 1) / ranks, self = rank();
  const auto begin = [&](size_t r) { return std::min(r * share, call.count) * element; };
  const auto bytes = [&](size_t r) { return begin(r + 1) - begin(r); };
  std::byte* const received = scratch(ranks * share * element);
  std::vector<Exchange> shares(ranks), results(ranks);
  for (size_t r = 0; r < ranks; ++r) {
    if (r == self) continue;
    shares[r] = {data + begin(r), bytes(r), received + r * share * element, bytes(self)};
    results[r] = {data + begin(self), bytes(self), data + begin(r), bytes(r)};
  }
  exchange(call, shares);
  ordered_reduce(device().stream(), call.dtype, call.reduce,
                 {.received = received,
                  .own = data + begin(self),
                  .count = static_cast<int64_t>(bytes(self) / element),
                  .stride = static_cast<int64_t>(share),
                  .ranks = size(),
                  .self = rank()},
                 data + begin(self));
  exchange(call, results);
}

void NcclCommunicator::do_all_reduce(void* data, size_t count, DType dtype, ReduceOp op) {
  const Call call{.collective = Collective::kAllReduce, .dtype = dtype, .reduce = op, .count = count};
  run(call, count == 0 || size() == 1, [&] {
    if (!nccl_reduces(shared_.options, dtype, op)) return reduce_in_rank_order(call, static_cast<std::byte*>(data));
    void* const stream = device().stream().handle;
    queue(call, [&](const NcclLibrary& library, nccl::Comm* comm) {
      return library.all_reduce(data, data, count, type_of(dtype), op_of(op), comm, stream);
    });
  });
}

void NcclCommunicator::do_reduce_scatter(const void* input, void* output, size_t count, DType dtype) {
  const Call call{.collective = Collective::kReduceScatter, .dtype = dtype, .count = count};
  const size_t bytes = count * size_bytes(dtype), ranks = size();
  run(call, count == 0, [&] {
    const auto* from = static_cast<const std::byte*>(input);
    if (size() == 1) return device().copy(output, from, bytes);
    void* const stream = device().stream().handle;
    if (nccl_reduces(shared_.options, dtype, ReduceOp::kSum))
      return queue(call, [&](const NcclLibrary& library, nccl::Comm* comm) {
        return library.reduce_scatter(input, output, count, type_of(dtype), nccl::ReduceOp::kSum, comm, stream);
      });
    std::byte* const received = scratch(ranks * bytes);
    std::vector<Exchange> shares(ranks);
    for (size_t r = 0; r < ranks; ++r)
      if (static_cast<int>(r) != rank()) shares[r] = {from + r * bytes, bytes, received + r * bytes, bytes};
    exchange(call, shares);
    ordered_reduce(device().stream(), dtype, ReduceOp::kSum,
                   {.received = received,
                    .own = from + rank() * bytes,
                    .count = static_cast<int64_t>(count),
                    .stride = static_cast<int64_t>(count),
                    .ranks = size(),
                    .self = rank()},
                   output);
  });
}

void NcclCommunicator::do_all_gather(const void* input, void* output, size_t bytes) {
  const Call call{.collective = Collective::kAllGather, .count = bytes};
  run(call, bytes == 0 || (size() == 1 && input == output), [&] {
    if (size() == 1) return device().copy(output, input, bytes);
    void* const stream = device().stream().handle;
    queue(call, [&](const NcclLibrary& library, nccl::Comm* comm) {
      return library.all_gather(input, output, bytes, nccl::DataType::kUint8, comm, stream);
    });
  });
}

void NcclCommunicator::do_broadcast(void* data, size_t bytes, int root) {
  const Call call{.collective = Collective::kBroadcast, .root = root, .count = bytes};
  run(call, bytes == 0 || size() == 1, [&] {
    void* const stream = device().stream().handle;
    queue(call, [&](const NcclLibrary& library, nccl::Comm* comm) {
      return library.broadcast(data, data, bytes, nccl::DataType::kUint8, root, comm, stream);
    });
  });
}

void NcclCommunicator::do_all_to_all_v(const void* input, std::span<const int64_t> send_counts, void* output,
                                       std::span<const int64_t> receive_counts, size_t element_bytes) {
  const Call call{.collective = Collective::kAllToAllV, .count = element_bytes};
  std::vector<Exchange> pieces(size());
  const auto* from = static_cast<const std::byte*>(input);
  auto* to = static_cast<std::byte*>(output);
  for (size_t r = 0; r < pieces.size(); ++r) {
    const size_t sent = send_counts[r] * element_bytes;
    const size_t received = receive_counts[r] * element_bytes;
    pieces[r] = {from, sent, to, received};
    from += sent, to += received;
  }
  const Exchange& mine = pieces[rank()];
  if (mine.send_bytes != mine.receive_bytes)
    throw InvalidArgument(
        describe_length_mismatch(call, rank(), size(), rank(), rank(), send_counts[rank()], receive_counts[rank()]));
  const bool nothing = from == input && to == output;
  run(
      call, nothing,
      [&] {
        Exchange& own = pieces[rank()];
        if (own.send_bytes > 0) device().copy(own.receive, own.send, own.send_bytes);
        own = {};
        exchange(call, pieces);
      },
      send_counts, receive_counts);
}

}  // namespace polyscene::dist
