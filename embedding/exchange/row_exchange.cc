#include "embedding/exchange/row_exchange.h"

#include <algorithm>
#include <utility>

namespace polyscene::embedding {
namespace {

void add(const float* __restrict from, float* __restrict to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] += from[i];
}

}  // namespace

RowExchange::RowExchange(const TableLayout& layout, dist::Communicator& communicator)
    : layout_(layout),
      communicator_(communicator),
      counts_(layout, communicator.size()),
      deduplicator_(layout.single_rank()),
      groups_(layout.groups()) {}

template <class T>
void RowExchange::all_to_all(std::span<const T> input, std::span<const int64_t> send_counts, std::span<T> output,
                             std::span<const int64_t> receive_counts) {
  communicator_.all_to_all_v<T>(input, send_counts, output, receive_counts);
  const size_t own = send_counts[communicator_.rank()];
  bytes_sent_ += (input.size() - own) * sizeof(T);
}

void RowExchange::deduplicate_received() {
  const std::span<const int64_t> keys = std::as_const(keys_).span();
  const std::span<int32_t> index = index_.resize(keys_.size());
  blocks_.clear();
  size_t begin = 0;
  for (size_t cell = 0; cell < counts_.received().size(); ++cell) {
    const size_t n = counts_.received()[cell];
    const int table = layout_.wire_order()[cell % layout_.tables()];
    blocks_.push_back({.table = table, .keys = keys.subspan(begin, n), .index = index.subspan(begin, n)});
    begin += n;
  }
  deduplicator_.run(blocks_, owned_);
  cut_pieces(layout_, counts_.received(), pieces_);
}

const UniqueKeys& RowExchange::send_keys(const UniqueKeys& unique) {
  counts_.exchange(unique, communicator_);
  bytes_sent_ += counts_.bytes_sent();
  for (int g = 0; g < layout_.groups(); ++g) groups_[g].exchange.resize(counts_.gradients(g).all_from);
  const ExchangeCounts::Message& keys = counts_.keys();
  all_to_all<int64_t>(unique.keys(), keys.to, keys_.resize(keys.all_from), keys.from);
  deduplicate_received();
  return owned_;
}

void RowExchange::send_rows(int group, std::span<float> rows) {
  Group& g = groups_[group];
  const ExchangeCounts::Message& message = counts_.gradients(group);
  all_to_all<float>(std::as_const(g.exchange).span(), message.from, rows, message.to);
}

std::span<const float> RowExchange::sum_gradients(int group, std::span<const float> gradients) {
  Group& g = groups_[group];
  const int64_t dim = layout_.dim(group);
  const ExchangeCounts::Message& message = counts_.gradients(group);
  all_to_all<float>(gradients, message.to, g.exchange.span(), message.from);
  const std::span<float> sums = g.sums.resize(owned_.rows(group) * dim);
  std::ranges::fill(sums, 0.0f);
  // Adding one sender after the other fixes the order of every sum; within a sender no row occurs twice.
  auto first = pieces_.cbegin();
  int64_t sender_end = 0;
  for (const int64_t count : counts_.keys().from) {
    sender_end += count;
    const auto last = std::find_if(first, pieces_.cend(), [&](const KeyPiece& p) { return p.begin >= sender_end; });
    for_each_piece({first, last}, [&](const KeyPiece& p) {
      if (p.group != group) return;
      const float* from = g.exchange.data() + p.row_begin * dim;
      for (int64_t i = p.begin; i < p.end; ++i, from += dim) add(from, &sums[index_[i] * dim], dim);
    });
    first = last;
  }
  return sums;
}

}  // namespace polyscene::embedding
