#include "dist/local/communicator.h"

#include <cstring>
#include <numeric>

#include "dist/reduce.h"

namespace polyscene::dist {
namespace {

std::byte* at(void* base, size_t bytes) { return static_cast<std::byte*>(base) + bytes; }
const std::byte* at(const void* base, size_t bytes) { return static_cast<const std::byte*>(base) + bytes; }

// Like memcpy, but accepts the null pointers of empty spans.
void copy(void* to, const void* from, size_t bytes) {
  if (bytes > 0 && to != from) std::memcpy(to, from, bytes);
}

}  // namespace

// The time between arrive and depart as a scope; it departs even if a check throws.
class LocalCommunicator::Meeting {
 public:
  Meeting(LocalCommunicator& self, const LocalGroup::Posting& posting) : self_(self) {
    self.group_->arrive(self.rank(), posting);
    try {
      check_same_call();
    } catch (...) {
      self.group_->depart();
      throw;
    }
  }
  ~Meeting() { self_.group_->depart(); }
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

  [[nodiscard]] const LocalGroup::Posting& operator[](int rank) const { return self_.group_->posting(rank); }

  // Checks that every rank sends to this one as much as this one wants, and the other way round.
  void check_counts() const {
    for (int r = 0; r < self_.size(); ++r) {
      check_pair(self_.rank(), r);
      check_pair(r, self_.rank());
    }
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    self_.group_->fail(self_.rank(), message);
    throw InvalidArgument(message);
  }

  void check_pair(int sender, int receiver) const {
    const int64_t sent = (*this)[sender].send_counts[receiver];
    const int64_t wanted = (*this)[receiver].receive_counts[sender];
    if (sent == wanted) return;
    fail(describe_length_mismatch((*this)[sender].call, self_.rank(), self_.size(), sender, receiver, sent, wanted));
  }

  void check_same_call() const {
    const Call& mine = (*this)[self_.rank()].call;
    for (int r = 0; r < self_.size(); ++r) {
      const Call& theirs = (*this)[r].call;
      if (theirs != mine) fail(describe_mismatch(self_.rank(), self_.size(), mine, r, theirs));
    }
  }

  LocalCommunicator& self_;
};

LocalCommunicator::LocalCommunicator(std::shared_ptr<LocalGroup> group, int rank)
    : Communicator(rank, group->size()), group_(std::move(group)) {}

void LocalCommunicator::barrier() { const Meeting meeting(*this, {.call = {.collective = Collective::kBarrier}}); }

void LocalCommunicator::abort(const std::string& reason) noexcept { group_->fail(rank(), reason); }

void LocalCommunicator::check() { group_->check(rank()); }

void LocalCommunicator::do_meet(const Call& call, std::span<const int64_t> send_counts,
                                std::span<const int64_t> receive_counts) {
  const Meeting meeting(*this, {.call = call, .send_counts = send_counts, .receive_counts = receive_counts});
  if (!send_counts.empty()) meeting.check_counts();
}

// Every rank reduces its own slice of all buffers and writes it back to all of them: slices are disjoint, so no rank
// reads what another writes.
void LocalCommunicator::do_all_reduce(void* data, size_t count, DType dtype, ReduceOp op) {
  const Call call{.collective = Collective::kAllReduce, .dtype = dtype, .reduce = op, .count = count};
  const Meeting meeting(*this, {.call = call, .output = data});
  const size_t ranks = size(), self = rank();
  const size_t begin = count * self / ranks, end = count * (self + 1) / ranks;
  if (ranks == 1 || begin == end) return;
  std::vector<void*> slices;
  for (int r = 0; r < size(); ++r) {
    slices.push_back(at(meeting[r].output, begin * size_bytes(dtype)));
  }
  const std::vector<const void*> sources(slices.begin(), slices.end());
  reduce_in_order(dtype, op, sources, slices, end - begin);
}

void LocalCommunicator::do_reduce_scatter(const void* input, void* output, size_t count, DType dtype) {
  const Call call{.collective = Collective::kReduceScatter, .dtype = dtype, .count = count};
  const Meeting meeting(*this, {.call = call, .input = input});
  if (count == 0) return;
  const size_t offset = rank() * count * size_bytes(dtype);
  std::vector<const void*> sources;
  for (int r = 0; r < size(); ++r) sources.push_back(at(meeting[r].input, offset));
  reduce_in_order(dtype, ReduceOp::kSum, sources, {&output, 1}, count);
}

void LocalCommunicator::do_all_gather(const void* input, void* output, size_t bytes) {
  const Meeting meeting(*this, {.call = {.collective = Collective::kAllGather, .count = bytes}, .input = input});
  for (int r = 0; r < size(); ++r) copy(at(output, r * bytes), meeting[r].input, bytes);
}

void LocalCommunicator::do_all_gather_v(const void* input, size_t count, size_t element_bytes,
                                        const std::function<void*(size_t elements)>& allocate) {
  const int64_t mine = count;
  const Call call{.collective = Collective::kAllGatherV, .count = element_bytes};
  const Meeting meeting(*this, {.call = call, .input = input, .send_counts = {&mine, 1}});
  const auto length = [&](int r) { return meeting[r].send_counts[0]; };
  size_t total = 0;
  for (int r = 0; r < size(); ++r) total += length(r);
  void* const output = allocate(total);
  size_t offset = 0;
  for (int r = 0; r < size(); ++r) {
    copy(at(output, offset), meeting[r].input, length(r) * element_bytes);
    offset += length(r) * element_bytes;
  }
}

std::vector<int64_t> LocalCommunicator::do_exchange_counts(std::span<const int64_t> counts) {
  const Meeting meeting(*this, {.call = {.collective = Collective::kExchangeCounts}, .send_counts = counts});
  std::vector<int64_t> received;
  for (int r = 0; r < size(); ++r) received.push_back(meeting[r].send_counts[rank()]);
  return received;
}

void LocalCommunicator::do_broadcast(void* data, size_t bytes, int root) {
  const Call call{.collective = Collective::kBroadcast, .root = root, .count = bytes};
  const Meeting meeting(*this, {.call = call, .output = data});
  copy(data, meeting[root].output, bytes);
}

void LocalCommunicator::do_all_to_all_v(const void* input, std::span<const int64_t> send_counts, void* output,
                                        std::span<const int64_t> receive_counts, size_t element_bytes) {
  const Call call{.collective = Collective::kAllToAllV, .count = element_bytes};
  const Meeting meeting(*this,
                        {.call = call, .input = input, .send_counts = send_counts, .receive_counts = receive_counts});
  meeting.check_counts();
  const auto bytes = [&](int64_t elements) { return elements * element_bytes; };
  size_t offset = 0;
  for (int r = 0; r < size(); ++r) {
    const std::span<const int64_t> sends = meeting[r].send_counts;
    const int64_t before = std::accumulate(sends.begin(), sends.begin() + rank(), int64_t{0});
    const size_t length = bytes(sends[rank()]);
    copy(at(output, offset), at(meeting[r].input, bytes(before)), length);
    offset += length;
  }
}

std::unique_ptr<Communicator> LocalCommunicator::split(int color) {
  std::vector<int> members;
  int new_rank = 0;
  {
    const Meeting meeting(*this, {.call = {.collective = Collective::kSplit}, .color = color});
    for (int r = 0; r < size(); ++r) {
      if (meeting[r].color != color) continue;
      if (r == rank()) new_rank = static_cast<int>(members.size());
      members.push_back(r);
    }
    if (new_rank == 0) group_->create_child(rank(), members);
  }
  return std::make_unique<LocalCommunicator>(group_->child(members.front()), new_rank);
}

}  // namespace polyscene::dist
