#include "dist/mpi/communicator.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "dist/reduce.h"

namespace polyscene::dist {
namespace {

// Below this size a reduction is one round of messages (every rank receives everything and adds for itself) instead of
// two rounds with less data.
constexpr size_t kOneRoundBytes = 16 << 10;
// Bytes that a rank reduces at a time: received data is still in the cache when it is added, and scratch memory stays
// small.
constexpr size_t kSliceBytes = 1 << 20;

void copy(void* to, const void* from, size_t bytes) {
  if (bytes > 0 && to != from) std::memcpy(to, from, bytes);
}

std::vector<size_t> offsets_of(std::span<const int64_t> counts, size_t unit_bytes) {
  std::vector<size_t> offsets = {0};
  for (const int64_t count : counts) offsets.push_back(offsets.back() + count * unit_bytes);
  return offsets;
}

// Cuts `count` elements into `parts` almost equal slices.
std::vector<size_t> even_offsets(size_t count, size_t parts, size_t unit_bytes) {
  std::vector<size_t> offsets;
  for (size_t p = 0; p <= parts; ++p) offsets.push_back(count * p / parts * unit_bytes);
  return offsets;
}

// base[offsets[0], offsets[1]), base[offsets[1], offsets[2]), ...
template <class Byte>
std::vector<std::span<Byte>> cut(Byte* base, std::span<const size_t> offsets) {
  std::vector<std::span<Byte>> pieces;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) pieces.emplace_back(base + offsets[i], offsets[i + 1] - offsets[i]);
  return pieces;
}

}  // namespace

MpiCommunicator::MpiCommunicator(Channel channel)
    : Communicator(channel.rank(), channel.size()), channel_(std::move(channel)) {}

void MpiCommunicator::barrier() { channel_.arrive({.collective = Collective::kBarrier}); }

void MpiCommunicator::abort(const std::string& reason) noexcept { channel_.fail(reason); }

void MpiCommunicator::check() { channel_.check(); }

void MpiCommunicator::do_meet(const Call& call, std::span<const int64_t> send_counts,
                              std::span<const int64_t> receive_counts) {
  channel_.arrive(call, send_counts, receive_counts);
}

std::byte* MpiCommunicator::scratch(size_t bytes) {
  if (scratch_.size() < bytes) scratch_.resize(bytes);
  return scratch_.data();
}

void MpiCommunicator::gather(Collective collective, const void* input, std::byte* output,
                             std::span<const size_t> offsets) {
  Channel::Incoming incoming = cut(output, offsets);
  const std::span<std::byte> own = incoming[rank()];
  const std::span<const std::byte> mine(static_cast<const std::byte*>(input), own.size());
  channel_.exchange(collective, Channel::Outgoing(incoming.size(), mine), incoming);
  copy(own.data(), input, own.size());
}

void MpiCommunicator::do_all_gather(const void* input, void* output, size_t bytes) {
  channel_.arrive({.collective = Collective::kAllGather, .count = bytes});
  const size_t ranks = size();
  gather(Collective::kAllGather, input, static_cast<std::byte*>(output), even_offsets(bytes * ranks, ranks, 1));
}

void MpiCommunicator::do_all_gather_v(const void* input, size_t count, size_t element_bytes,
                                      const std::function<void*(size_t elements)>& allocate) {
  const Call call{.collective = Collective::kAllGatherV, .count = element_bytes};
  const std::vector<int64_t> mine(size(), count);
  const std::vector<size_t> offsets = offsets_of(channel_.arrive(call, mine), element_bytes);
  void* const output = allocate(offsets.back() / element_bytes);
  gather(Collective::kAllGatherV, input, static_cast<std::byte*>(output), offsets);
}

// The counts travel with the announcement of the call, so no further message is needed.
std::vector<int64_t> MpiCommunicator::do_exchange_counts(std::span<const int64_t> counts) {
  return channel_.arrive({.collective = Collective::kExchangeCounts}, counts);
}

void MpiCommunicator::do_all_reduce(void* data, size_t count, DType dtype, ReduceOp op) {
  channel_.arrive({.collective = Collective::kAllReduce, .dtype = dtype, .reduce = op, .count = count});
  if (size() == 1 || count == 0) return;
  const size_t unit = size_bytes(dtype);
  std::byte* const bytes = static_cast<std::byte*>(data);
  if (count * unit <= kOneRoundBytes) return reduce_short(bytes, count, dtype, op);
  const size_t step = size() * kSliceBytes / unit;
  for (size_t begin = 0; begin < count; begin += step) {
    reduce_sliced(bytes + begin * unit, std::min(step, count - begin), dtype, op);
  }
}

void MpiCommunicator::reduce_short(std::byte* data, size_t count, DType dtype, ReduceOp op) {
  const Channel::Outgoing pieces(size(), {data, count * size_bytes(dtype)});
  reduce_pieces(Collective::kAllReduce, pieces, data, dtype, op);
}

// Rank r reduces slice r of all ranks and sends the result to all.
void MpiCommunicator::reduce_sliced(std::byte* data, size_t count, DType dtype, ReduceOp op) {
  const std::vector<size_t> offsets = even_offsets(count, size(), size_bytes(dtype));
  std::byte* const mine = data + offsets[rank()];
  reduce_pieces(Collective::kAllReduce, cut(static_cast<const std::byte*>(data), offsets), mine, dtype, op);
  gather(Collective::kAllReduce, mine, data, offsets);
}

void MpiCommunicator::reduce_pieces(Collective collective, const Channel::Outgoing& pieces, void* output, DType dtype,
                                    ReduceOp op) {
  const std::span<const std::byte> own = pieces[rank()];
  const std::vector<size_t> offsets = even_offsets(own.size() * pieces.size(), pieces.size(), 1);
  const Channel::Incoming received = cut(scratch(offsets.back()), offsets);
  channel_.exchange(collective, pieces, received);
  std::vector<const void*> sources;
  for (const std::span<std::byte> piece : received) sources.push_back(piece.data());
  sources[rank()] = own.data();
  reduce_in_order(dtype, op, sources, {&output, 1}, own.size() / size_bytes(dtype));
}

void MpiCommunicator::do_reduce_scatter(const void* input, void* output, size_t count, DType dtype) {
  channel_.arrive({.collective = Collective::kReduceScatter, .dtype = dtype, .count = count});
  const size_t stride = count * size_bytes(dtype);
  for (size_t begin = 0; begin < stride; begin += kSliceBytes) {
    Channel::Outgoing pieces;
    for (size_t r = 0; r < static_cast<size_t>(size()); ++r) {
      const std::byte* const piece = static_cast<const std::byte*>(input) + r * stride + begin;
      pieces.emplace_back(piece, std::min(kSliceBytes, stride - begin));
    }
    reduce_pieces(Collective::kReduceScatter, pieces, static_cast<std::byte*>(output) + begin, dtype, ReduceOp::kSum);
  }
}

// The root sends short data to every rank. Longer data is scattered in slices that the ranks then exchange, so the root
// sends it about twice instead of size - 1 times (van de Geijn's broadcast).
void MpiCommunicator::do_broadcast(void* data, size_t bytes, int root) {
  channel_.arrive({.collective = Collective::kBroadcast, .root = root, .count = bytes});
  const size_t ranks = size();
  const bool sliced = ranks > 2 && bytes > kOneRoundBytes;
  std::byte* const base = static_cast<std::byte*>(data);
  const std::vector<size_t> offsets = even_offsets(bytes, ranks, 1);
  const Channel::Incoming slices = sliced ? cut(base, offsets) : Channel::Incoming(ranks, {base, bytes});
  const std::span<std::byte> mine = slices[rank()];
  Channel::Outgoing outgoing(ranks);
  Channel::Incoming incoming(ranks);
  if (rank() == root)
    outgoing.assign(slices.begin(), slices.end());
  else
    incoming[root] = mine;
  channel_.exchange(Collective::kBroadcast, outgoing, incoming);
  if (sliced) gather(Collective::kBroadcast, mine.data(), base, offsets);
}

void MpiCommunicator::do_all_to_all_v(const void* input, std::span<const int64_t> send_counts, void* output,
                                      std::span<const int64_t> receive_counts, size_t element_bytes) {
  channel_.arrive({.collective = Collective::kAllToAllV, .count = element_bytes}, send_counts, receive_counts);
  const Channel::Outgoing outgoing = cut(static_cast<const std::byte*>(input), offsets_of(send_counts, element_bytes));
  const Channel::Incoming incoming = cut(static_cast<std::byte*>(output), offsets_of(receive_counts, element_bytes));
  channel_.exchange(Collective::kAllToAllV, outgoing, incoming);
  const std::span<const std::byte> own = outgoing[rank()];
  copy(incoming[rank()].data(), own.data(), own.size());
}

// The new communicators use the first tags that are free on all processes of the members. Communicators of different
// colours use the same tags, because they have no member in common.
std::unique_ptr<Communicator> MpiCommunicator::split(int color) {
  channel_.arrive({.collective = Collective::kSplit});
  struct Choice {
    int64_t color, next_tag;
  };
  const size_t ranks = size();
  const Choice mine{color, channel_.session()->next_tag()};
  std::vector<Choice> choices(ranks);
  gather(Collective::kSplit, &mine, reinterpret_cast<std::byte*>(choices.data()),
         even_offsets(ranks * sizeof(Choice), ranks, 1));
  int64_t first_tag = 0;
  for (const Choice& choice : choices) first_tag = std::max(first_tag, choice.next_tag);
  std::vector<int> members;
  int new_rank = 0;
  for (int r = 0; r < size(); ++r) {
    if (choices[r].color != color) continue;
    if (r == rank()) new_rank = static_cast<int>(members.size());
    members.push_back(channel_.world_rank(r));
  }
  return std::make_unique<MpiCommunicator>(
      Channel(channel_.session(), channel_.hosting(), std::move(members), new_rank, first_tag, channel_.options()));
}

std::unique_ptr<Communicator> make_processes(const std::shared_ptr<MpiSession>& session, CommunicatorOptions options) {
  return MpiCommunicator(Channel::of_processes(session, MpiSession::kProcessTag, options)).split(0);
}

std::vector<std::unique_ptr<Communicator>> host_ranks(const std::shared_ptr<MpiSession>& session, int ranks,
                                                      CommunicatorOptions options) {
  require(ranks >= session->size(), "[dist.run_mpi_ranks] wanted at least one rank for each of the ", session->size(),
          " processes, got ", ranks, "; start at most as many processes as there are ranks");
  MpiCommunicator processes(Channel::of_processes(session, MpiSession::kProcessTag, options));
  int64_t first_tag = session->next_tag();
  processes.all_reduce<int64_t>({&first_tag, 1}, ReduceOp::kMax);
  const Hosting hosting{ranks, session->size()};
  std::vector<int> world(ranks);
  std::iota(world.begin(), world.end(), 0);
  std::vector<std::unique_ptr<Communicator>> hosted;
  for (int r = hosting.first_rank(session->rank()); r < hosting.first_rank(session->rank() + 1); ++r) {
    hosted.push_back(std::make_unique<MpiCommunicator>(Channel(session, hosting, world, r, first_tag, options)));
  }
  session->represent(hosted.front()->rank());
  return hosted;
}

}  // namespace polyscene::dist
