#include "dist/mpi/communicator.h"

#include <algorithm>
#include <cstring>

#include "dist/reduce.h"

namespace polyscene {
namespace {

// Below this many bytes a reduction is one round of messages (everybody gets everything and adds for itself) instead of
// two rounds with less data.
constexpr size_t kOneRoundBytes = 16 << 10;
// Bytes that a rank reduces at a time: what it received is still in its cache when it adds, and scratch stays small.
constexpr size_t kSliceBytes = 1 << 20;

void copy(void* to, const void* from, size_t bytes) {
  if (bytes > 0 && to != from) std::memcpy(to, from, bytes);
}

std::vector<size_t> offsets_of(std::span<const int64_t> counts, size_t unit_bytes) {
  std::vector<size_t> offsets = {0};
  for (const int64_t count : counts) offsets.push_back(offsets.back() + static_cast<size_t>(count) * unit_bytes);
  return offsets;
}

// Cuts count elements into `parts` almost equal slices.
std::vector<size_t> even_offsets(size_t count, size_t parts, size_t unit_bytes) {
  std::vector<size_t> offsets;
  for (size_t p = 0; p <= parts; ++p) offsets.push_back(count * p / parts * unit_bytes);
  return offsets;
}

}  // namespace

MpiCommunicator::MpiCommunicator(Channel channel)
    : Communicator(channel.rank(), channel.size()), channel_(std::move(channel)) {}

void MpiCommunicator::barrier() { channel_.arrive({.collective = Collective::kBarrier}); }

void MpiCommunicator::abort(const std::string& reason) noexcept { channel_.session()->fail(reason); }

std::byte* MpiCommunicator::scratch(size_t bytes) {
  if (scratch_.size() < bytes) scratch_.resize(bytes);
  return scratch_.data();
}

// Every rank sends its input to all others; rank r's lies at output[offsets[r], offsets[r + 1]).
void MpiCommunicator::gather(Collective collective, const void* input, std::byte* output,
                             std::span<const size_t> offsets) {
  std::vector<Channel::Outgoing> outgoing;
  std::vector<Channel::Incoming> incoming;
  const auto bytes = [&](int r) { return offsets[static_cast<size_t>(r) + 1] - offsets[static_cast<size_t>(r)]; };
  for (int step = 1; step < size(); ++step) {
    const int to = (rank() + step) % size(), from = (rank() + size() - step) % size();
    outgoing.push_back({to, input, bytes(rank())});
    incoming.push_back({from, output + offsets[static_cast<size_t>(from)], bytes(from)});
  }
  channel_.exchange(collective, outgoing, incoming);
  copy(output + offsets[static_cast<size_t>(rank())], input, bytes(rank()));
}

void MpiCommunicator::do_all_gather(const void* input, void* output, size_t bytes) {
  channel_.arrive({.collective = Collective::kAllGather, .count = bytes});
  const size_t ranks = static_cast<size_t>(size());
  gather(Collective::kAllGather, input, static_cast<std::byte*>(output), even_offsets(bytes * ranks, ranks, 1));
}

void MpiCommunicator::do_all_gather_v(const void* input, size_t count, size_t element_bytes,
                                      const std::function<void*(size_t elements)>& allocate) {
  const Call call{.collective = Collective::kAllGatherV, .count = element_bytes};
  const std::vector<int64_t> mine(static_cast<size_t>(size()), static_cast<int64_t>(count));
  const std::vector<size_t> offsets = offsets_of(channel_.arrive(call, mine), element_bytes);
  void* const output = allocate(offsets.back() / element_bytes);
  gather(Collective::kAllGatherV, input, static_cast<std::byte*>(output), offsets);
}

// The counts travel with the announcement of the call: no further message is needed.
std::vector<int64_t> MpiCommunicator::do_exchange_counts(std::span<const int64_t> counts) {
  return channel_.arrive({.collective = Collective::kExchangeCounts}, counts);
}

void MpiCommunicator::do_all_reduce(void* data, size_t count, DType dtype, ReduceOp op) {
  channel_.arrive({.collective = Collective::kAllReduce, .dtype = dtype, .reduce = op, .count = count});
  if (size() == 1 || count == 0) return;
  const size_t unit = static_cast<size_t>(size_bytes(dtype));
  std::byte* const bytes = static_cast<std::byte*>(data);
  if (count * unit <= kOneRoundBytes) return reduce_gathered(bytes, count, dtype, op);
  const size_t step = static_cast<size_t>(size()) * kSliceBytes / unit;
  for (size_t begin = 0; begin < count; begin += step) {
    reduce_sliced(bytes + begin * unit, std::min(step, count - begin), dtype, op);
  }
}

void MpiCommunicator::reduce_gathered(std::byte* data, size_t count, DType dtype, ReduceOp op) {
  const size_t ranks = static_cast<size_t>(size()), bytes = count * static_cast<size_t>(size_bytes(dtype));
  std::byte* const all = scratch(ranks * bytes);
  gather(Collective::kAllReduce, data, all, even_offsets(ranks * bytes, ranks, 1));
  std::vector<const void*> sources;
  for (size_t r = 0; r < ranks; ++r) sources.push_back(all + r * bytes);
  void* const output = data;
  reduce_in_order(dtype, op, sources, {&output, 1}, count);
}

// Rank r gets slice r of everybody, reduces it, and sends the result to all.
void MpiCommunicator::reduce_sliced(std::byte* data, size_t count, DType dtype, ReduceOp op) {
  const size_t unit = static_cast<size_t>(size_bytes(dtype)), self = static_cast<size_t>(rank());
  const std::vector<size_t> offsets = even_offsets(count, static_cast<size_t>(size()), unit);
  std::byte* const mine = data + offsets[self];
  const size_t bytes = offsets[self + 1] - offsets[self];
  std::byte* const received = scratch(static_cast<size_t>(size()) * bytes);
  std::vector<Channel::Outgoing> outgoing;
  std::vector<Channel::Incoming> incoming;
  std::vector<const void*> sources(static_cast<size_t>(size()), mine);
  for (int step = 1; step < size(); ++step) {
    const size_t to = static_cast<size_t>((rank() + step) % size());
    const size_t from = static_cast<size_t>((rank() + size() - step) % size());
    outgoing.push_back({static_cast<int>(to), data + offsets[to], offsets[to + 1] - offsets[to]});
    incoming.push_back({static_cast<int>(from), received + from * bytes, bytes});
    sources[from] = received + from * bytes;
  }
  channel_.exchange(Collective::kAllReduce, outgoing, incoming);
  void* const output = mine;
  reduce_in_order(dtype, op, sources, {&output, 1}, bytes / unit);
  gather(Collective::kAllReduce, mine, data, offsets);
}

void MpiCommunicator::do_reduce_scatter(const void* input, void* output, size_t count, DType dtype) {
  channel_.arrive({.collective = Collective::kReduceScatter, .dtype = dtype, .count = count});
  const size_t unit = static_cast<size_t>(size_bytes(dtype)), stride = count * unit, step = kSliceBytes;
  const std::byte* const in = static_cast<const std::byte*>(input);
  for (size_t begin = 0; begin < stride; begin += step) {
    const size_t bytes = std::min(step, stride - begin);
    std::byte* const received = scratch(static_cast<size_t>(size()) * bytes);
    std::vector<Channel::Outgoing> outgoing;
    std::vector<Channel::Incoming> incoming;
    std::vector<const void*> sources(static_cast<size_t>(size()), in + static_cast<size_t>(rank()) * stride + begin);
    for (int turn = 1; turn < size(); ++turn) {
      const size_t to = static_cast<size_t>((rank() + turn) % size());
      const size_t from = static_cast<size_t>((rank() + size() - turn) % size());
      outgoing.push_back({static_cast<int>(to), in + to * stride + begin, bytes});
      incoming.push_back({static_cast<int>(from), received + from * bytes, bytes});
      sources[from] = received + from * bytes;
    }
    channel_.exchange(Collective::kReduceScatter, outgoing, incoming);
    void* const target = static_cast<std::byte*>(output) + begin;
    reduce_in_order(dtype, ReduceOp::kSum, sources, {&target, 1}, bytes / unit);
  }
}

// Short data goes from the root to everybody. Longer data is scattered in slices which all then exchange, so that the
// root sends it about twice instead of size - 1 times (van de Geijn's broadcast).
void MpiCommunicator::do_broadcast(void* data, size_t bytes, int root) {
  channel_.arrive({.collective = Collective::kBroadcast, .root = root, .count = bytes});
  const bool sliced = size() > 2 && bytes > kOneRoundBytes;
  const size_t ranks = static_cast<size_t>(size());
  const std::vector<size_t> offsets = even_offsets(bytes, ranks, 1);
  std::byte* const base = static_cast<std::byte*>(data);
  const auto slice = [&](int r) { return sliced ? base + offsets[static_cast<size_t>(r)] : base; };
  const auto length = [&](int r) {
    return sliced ? offsets[static_cast<size_t>(r) + 1] - offsets[static_cast<size_t>(r)] : bytes;
  };
  std::vector<Channel::Outgoing> outgoing;
  std::vector<Channel::Incoming> incoming;
  if (rank() == root) {
    for (int step = 1; step < size(); ++step) {
      const int to = (rank() + step) % size();
      outgoing.push_back({to, slice(to), length(to)});
    }
  } else {
    incoming.push_back({root, slice(rank()), length(rank())});
  }
  channel_.exchange(Collective::kBroadcast, outgoing, incoming);
  if (sliced) gather(Collective::kBroadcast, slice(rank()), base, offsets);
}

void MpiCommunicator::do_all_to_all_v(const void* input, std::span<const int64_t> send_counts, void* output,
                                      std::span<const int64_t> receive_counts, size_t element_bytes) {
  channel_.arrive({.collective = Collective::kAllToAllV, .count = element_bytes}, send_counts, receive_counts);
  const std::vector<size_t> from = offsets_of(send_counts, element_bytes);
  const std::vector<size_t> to = offsets_of(receive_counts, element_bytes);
  std::vector<Channel::Outgoing> outgoing;
  std::vector<Channel::Incoming> incoming;
  for (int step = 1; step < size(); ++step) {
    const size_t target = static_cast<size_t>((rank() + step) % size());
    const size_t source = static_cast<size_t>((rank() + size() - step) % size());
    outgoing.push_back({static_cast<int>(target), static_cast<const std::byte*>(input) + from[target],
                        from[target + 1] - from[target]});
    incoming.push_back({static_cast<int>(source), static_cast<std::byte*>(output) + to[source],
                        to[source + 1] - to[source]});
  }
  const size_t self = static_cast<size_t>(rank());
  copy(static_cast<std::byte*>(output) + to[self], static_cast<const std::byte*>(input) + from[self],
       from[self + 1] - from[self]);
  channel_.exchange(Collective::kAllToAllV, outgoing, incoming);
}

std::unique_ptr<Communicator> MpiCommunicator::split(int color) { return split(color, channel_.options()); }

// The new communicators take the smallest context that is free on all ranks here. Those of different colours share it:
// they have no member in common.
std::unique_ptr<Communicator> MpiCommunicator::split(int color, CommunicatorOptions options) {
  channel_.arrive({.collective = Collective::kSplit});
  std::atomic<int64_t>& next_context = channel_.session()->next_context;
  struct Choice {
    int64_t color, next_context;
  };
  const size_t ranks = static_cast<size_t>(size());
  const Choice mine{color, next_context.load()};
  std::vector<Choice> choices(ranks);
  gather(Collective::kSplit, &mine, reinterpret_cast<std::byte*>(choices.data()),
         even_offsets(ranks * sizeof(Choice), ranks, 1));
  int64_t context = 0;
  for (const Choice& choice : choices) context = std::max(context, choice.next_context);
  next_context.store(context + 1);
  std::vector<int> members;
  int new_rank = 0;
  for (int r = 0; r < size(); ++r) {
    if (choices[static_cast<size_t>(r)].color != color) continue;
    if (r == rank()) new_rank = static_cast<int>(members.size());
    members.push_back(channel_.world_rank(r));
  }
  return std::make_unique<MpiCommunicator>(Channel(channel_.session(), std::move(members), new_rank, context, options));
}

}  // namespace polyscene
