#include "embedding/lookup/row_exchange.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace polyscene {
namespace {

// Per rank, the sum over tables [from, to) of the wire order of counts [ranks, tables], times `factor`.
void sum_counts(std::span<const int64_t> counts, int tables, int from, int to, int64_t factor,
                std::vector<int64_t>& sums) {
  for (size_t rank = 0; rank < sums.size(); ++rank) {
    const auto row = counts.subspan(rank * static_cast<size_t>(tables), static_cast<size_t>(tables));
    sums[rank] = factor * std::accumulate(row.begin() + from, row.begin() + to, int64_t{0});
  }
}

int64_t total(std::span<const int64_t> counts) { return std::accumulate(counts.begin(), counts.end(), int64_t{0}); }

void add(const float* __restrict from, float* __restrict to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] += from[i];
}

}  // namespace

RowExchange::RowExchange(const TableLayout& layout, Communicator& communicator)
    : layout_(layout),
      communicator_(communicator),
      deduplicator_(layout.single_rank()),
      groups_(static_cast<size_t>(layout.groups())) {
  const auto ranks = static_cast<size_t>(communicator.size());
  received_counts_.resize(ranks * static_cast<size_t>(layout.tables()));
  for (std::vector<int64_t>* counts : {&send_counts_, &receive_counts_}) counts->resize(ranks);
  for (Group& group : groups_) {
    group.send_counts.resize(ranks);
    group.receive_counts.resize(ranks);
  }
}

template <class T>
void RowExchange::all_to_all(std::span<const T> input, std::span<const int64_t> send_counts, std::span<T> output,
                             std::span<const int64_t> receive_counts) {
  communicator_.all_to_all_v<T>(input, send_counts, output, receive_counts);
  const int64_t own = send_counts[static_cast<size_t>(communicator_.rank())];
  bytes_sent_ += (total(send_counts) - own) * static_cast<int64_t>(sizeof(T));
}

void RowExchange::exchange_counts(const UniqueKeys& unique) {
  const int tables = layout_.tables();
  const std::vector<int64_t> per_rank(static_cast<size_t>(communicator_.size()), tables);
  all_to_all<int64_t>(unique.counts(), per_rank, received_counts_, per_rank);
  sum_counts(unique.counts(), tables, 0, tables, 1, send_counts_);
  sum_counts(received_counts_, tables, 0, tables, 1, receive_counts_);
  for (int g = 0; g < layout_.groups(); ++g) {
    Group& group = groups_[static_cast<size_t>(g)];
    const auto begin = layout_.group_begin().subspan(static_cast<size_t>(g), 2);
    sum_counts(unique.counts(), tables, begin[0], begin[1], layout_.dim(g), group.send_counts);
    sum_counts(received_counts_, tables, begin[0], begin[1], layout_.dim(g), group.receive_counts);
    group.exchange.resize(total(group.receive_counts));
  }
}

void RowExchange::deduplicate_received() {
  const std::span<const int64_t> keys = std::as_const(keys_).span();
  const std::span<int32_t> index = index_.resize(keys_.size());
  blocks_.clear();
  size_t begin = 0;
  for (size_t cell = 0; cell < received_counts_.size(); ++cell) {
    const auto n = static_cast<size_t>(received_counts_[cell]);
    const int table = layout_.wire_order()[cell % static_cast<size_t>(layout_.tables())];
    blocks_.push_back({.table = table, .keys = keys.subspan(begin, n), .index = index.subspan(begin, n)});
    begin += n;
  }
  deduplicator_.run(blocks_, owned_);
  cut_pieces(layout_, received_counts_, pieces_);
}

const UniqueKeys& RowExchange::send_keys(const UniqueKeys& unique) {
  exchange_counts(unique);
  all_to_all<int64_t>(unique.keys(), send_counts_, keys_.resize(total(receive_counts_)), receive_counts_);
  deduplicate_received();
  return owned_;
}

void RowExchange::send_rows(int group, std::span<float> rows) {
  Group& g = groups_[static_cast<size_t>(group)];
  all_to_all<float>(std::as_const(g.exchange).span(), g.receive_counts, rows, g.send_counts);
}

std::span<const float> RowExchange::sum_gradients(int group, std::span<const float> gradients) {
  Group& g = groups_[static_cast<size_t>(group)];
  const int64_t dim = layout_.dim(group);
  all_to_all<float>(gradients, g.send_counts, g.exchange.span(), g.receive_counts);
  const std::span<float> sums = g.sums.resize(owned_.rows(group) * dim);
  std::ranges::fill(sums, 0.0f);
  // One sender after the other fixes the order of every sum; within a sender no row occurs twice.
  auto first = pieces_.cbegin();
  int64_t sender_end = 0;
  for (const int64_t count : receive_counts_) {
    sender_end += count;
    const auto last = std::find_if(first, pieces_.cend(), [&](const KeyPiece& p) { return p.begin >= sender_end; });
    for_each_piece({first, last}, [&](const KeyPiece& p) {
      if (p.group != group) return;
      const float* from = g.exchange.data() + p.row_begin * dim;
      for (int64_t i = p.begin; i < p.end; ++i, from += dim)
        add(from, &sums[static_cast<size_t>(index_[i] * dim)], dim);
    });
    first = last;
  }
  return sums;
}

}  // namespace polyscene
