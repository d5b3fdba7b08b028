#include "tests/dist/nccl/stand_in_clique.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace polyscene::testing {
namespace {

using dist::nccl::DataType;
using dist::nccl::ReduceOp;
using Kind = Operation::Kind;

size_t size_of(dist::nccl::DataType type) {
  switch (type) {
    case DataType::kUint8:
      return 1;
    case DataType::kInt32:
    case DataType::kFloat32:
      return 4;
    case DataType::kInt64:
    case DataType::kFloat64:
      return 8;
  }
  return 0;
}

bool is_message(const Operation& o) { return o.kind == Kind::kSend || o.kind == Kind::kRecv; }

bool overlap(const void* a, size_t a_bytes, const void* b, size_t b_bytes) {
  const auto x = reinterpret_cast<uintptr_t>(a), y = reinterpret_cast<uintptr_t>(b);
  return x < y + b_bytes && y < x + a_bytes;
}

bool same_call(const Operation& a, const Operation& b) {
  return a.kind == b.kind && a.count == b.count && a.type == b.type && a.op == b.op && a.peer == b.peer;
}

template <class T>
T combine(dist::nccl::ReduceOp op, T a, T b) {
  if (op == ReduceOp::kMin) return std::min(a, b);
  if (op == ReduceOp::kMax) return std::max(a, b);
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  else
    return a + b;
}

// From the last rank to the first: an order that NCCL may choose and we do not.
template <class T>
void reduce(const std::vector<const std::byte*>& sources, std::byte* to, size_t count, ReduceOp op) {
  T* const sums = reinterpret_cast<T*>(to);
  std::memcpy(to, sources.back(), count * sizeof(T));
  for (size_t r = sources.size() - 1; r-- > 0;) {
    const T* const source = reinterpret_cast<const T*>(sources[r]);
    for (size_t i = 0; i < count; ++i) sums[i] = combine(op, sums[i], source[i]);
  }
}

void reduce(const std::vector<const std::byte*>& sources, std::byte* to, const Operation& like) {
  switch (like.type) {
    case DataType::kUint8:
      return reduce<uint8_t>(sources, to, like.count, like.op);
    case DataType::kInt32:
      return reduce<int32_t>(sources, to, like.count, like.op);
    case DataType::kInt64:
      return reduce<int64_t>(sources, to, like.count, like.op);
    case DataType::kFloat32:
      return reduce<float>(sources, to, like.count, like.op);
    case DataType::kFloat64:
      return reduce<double>(sources, to, like.count, like.op);
  }
}

}  // namespace

bool Clique::join(int ranks, int rank) {
  if (ranks != static_cast<int>(size()) || rank < 0 || rank >= ranks) return false;
  return !std::exchange(ranks_[static_cast<size_t>(rank)].joined, true);
}

void Clique::leave(int rank) { ranks_[static_cast<size_t>(rank)].leaving = true; }

void Clique::abandon(int rank) { ranks_[static_cast<size_t>(rank)] = {}; }

bool Clique::done(int rank) const {
  const Rank& mine = ranks_[static_cast<size_t>(rank)];
  if (!std::ranges::all_of(ranks_, &Rank::joined)) return false;
  return mine.leaving ? std::ranges::all_of(ranks_, &Rank::leaving) : mine.posted.empty();
}

std::string Clique::objection(const Operation& o, int rank) const {
  const size_t bytes = o.count * size_of(o.type), own = static_cast<size_t>(rank) * bytes;
  const auto* from = static_cast<const std::byte*>(o.from);
  const auto* to = static_cast<const std::byte*>(o.to);
  if (bytes == 0) return "no elements, or elements of no known type";
  if (o.op != ReduceOp::kSum && o.op != ReduceOp::kMin && o.op != ReduceOp::kMax) return "no known reduction";
  if (o.peer < 0 || o.peer >= static_cast<int>(size())) return "a peer or root that is not there";
  if (is_message(o) && o.peer == rank) return "a message to oneself";
  if ((from == nullptr && o.kind != Kind::kRecv) || (to == nullptr && o.kind != Kind::kSend)) return "no buffer";
  const auto misplaced = [&](const void* p) { return reinterpret_cast<uintptr_t>(p) % size_of(o.type) != 0; };
  if (misplaced(from) || misplaced(to)) return "a buffer that is not on a multiple of its elements";
  const std::string partly = "buffers that overlap in part";
  switch (o.kind) {
    case Kind::kAllReduce:
    case Kind::kBroadcast:
      return from != to && overlap(from, bytes, to, bytes) ? partly : "";
    case Kind::kAllGather:
      return from != to + own && overlap(from, bytes, to, bytes * size()) ? partly : "";
    case Kind::kReduceScatter:
      return to != from + own && overlap(from, bytes * size(), to, bytes) ? partly : "";
    default:
      return "";
  }
}

void Clique::post(int rank, std::vector<Operation> operations) {
  if (operations.size() > 1 && !std::ranges::all_of(operations, is_message)) {
    error_ = "a group of more than messages";
    return;
  }
  ranks_[static_cast<size_t>(rank)].posted = std::move(operations);
  progress();
}

// Moves the first message from the sender that its receiver has posted a place for, if there is one.
bool Clique::match_message(size_t sender, const Operation& sent) {
  std::vector<Operation>& theirs = ranks_[static_cast<size_t>(sent.peer)].posted;
  const auto place = std::ranges::find_if(
      theirs, [&](const Operation& o) { return o.kind == Kind::kRecv && o.peer == static_cast<int>(sender); });
  if (place == theirs.end()) return false;
  if (place->count != sent.count || place->type != sent.type) {
    error_ = "a message of " + std::to_string(sent.count) + " elements where " + std::to_string(place->count) +
             " are wanted";
    return false;
  }
  std::memcpy(place->to, sent.from, sent.count * size_of(sent.type));
  theirs.erase(place);
  return true;
}

void Clique::progress() {
  for (size_t r = 0; r < size(); ++r)
    for (size_t i = 0; i < ranks_[r].posted.size();) {
      const Operation o = ranks_[r].posted[i];
      if (o.kind == Kind::kSend && match_message(r, o))
        ranks_[r].posted.erase(ranks_[r].posted.begin() + static_cast<std::ptrdiff_t>(i));
      else
        ++i;
    }
  const auto in_collective = [](const Rank& r) { return !r.posted.empty() && !is_message(r.posted.front()); };
  if (error_.empty() && std::ranges::all_of(ranks_, in_collective)) run_collective();
}

void Clique::run_collective() {
  const Operation first = ranks_[0].posted.front();
  std::vector<const std::byte*> sources;
  for (const Rank& each : ranks_) {
    if (!same_call(each.posted.front(), first)) error_ = "ranks that make different calls";
    sources.push_back(static_cast<const std::byte*>(each.posted.front().from));
  }
  if (!error_.empty()) return;
  const size_t bytes = first.count * size_of(first.type);
  const bool scatters = first.kind == Kind::kReduceScatter;
  std::vector<std::byte> result(bytes * (first.kind == Kind::kAllGather ? size() : 1));
  std::vector<std::vector<std::byte>> scattered(scatters ? size() : 0, std::vector<std::byte>(bytes));
  if (first.kind == Kind::kAllReduce) reduce(sources, result.data(), first);
  if (first.kind == Kind::kBroadcast) std::memcpy(result.data(), sources[static_cast<size_t>(first.peer)], bytes);
  for (size_t r = 0; r < size(); ++r) {
    if (first.kind == Kind::kAllGather) std::memcpy(result.data() + r * bytes, sources[r], bytes);
    if (!scatters) continue;
    std::vector<const std::byte*> parts;
    for (const std::byte* source : sources) parts.push_back(source + r * bytes);
    reduce(parts, scattered[r].data(), first);
  }
  for (size_t r = 0; r < size(); ++r) {
    const std::vector<std::byte>& mine = scatters ? scattered[r] : result;
    std::memcpy(ranks_[r].posted.front().to, mine.data(), mine.size());
    ranks_[r].posted.clear();
  }
}

}  // namespace polyscene::testing
