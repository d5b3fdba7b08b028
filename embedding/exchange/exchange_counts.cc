#include "embedding/exchange/exchange_counts.h"

#include <numeric>

namespace polyscene::embedding {

ExchangeCounts::ExchangeCounts(const TableLayout& layout, int ranks) : layout_(layout), groups_(layout.groups()) {
  const size_t n = ranks;
  received_.resize(n * layout.tables());
  const Message empty{.to = std::vector<int64_t>(n), .from = std::vector<int64_t>(n)};
  keys_ = empty;
  for (Message& group : groups_) group = empty;
}

// Sums, for each rank, over tables [first_table, last_table) of the wire order, times `factor`.
void ExchangeCounts::fill(Message& message, std::span<const int64_t> sent, int first_table, int last_table,
                          int64_t factor) const {
  const auto sum = [&](std::span<const int64_t> counts, std::vector<int64_t>& sums) {
    for (size_t rank = 0; rank < sums.size(); ++rank) {
      const auto row = counts.begin() + rank * layout_.tables();
      sums[rank] = factor * std::accumulate(row + first_table, row + last_table, int64_t{0});
    }
    return std::accumulate(sums.begin(), sums.end(), int64_t{0});
  };
  message.all_to = sum(sent, message.to);
  message.all_from = sum(received_, message.from);
}

void ExchangeCounts::exchange(const UniqueKeys& unique, dist::Communicator& communicator) {
  const std::vector<int64_t> per_rank(communicator.size(), layout_.tables());
  communicator.all_to_all_v<int64_t>(unique.counts(), per_rank, received_, per_rank);
  fill(keys_, unique.counts(), 0, layout_.tables(), 1);
  for (int g = 0; g < layout_.groups(); ++g) {
    const auto begin = layout_.group_begin().subspan(g, 2);
    fill(groups_[g], unique.counts(), begin[0], begin[1], layout_.dim(g));
  }
}

int64_t ExchangeCounts::bytes_sent() const {
  return (std::ssize(keys_.to) - 1) * layout_.tables() * int64_t{sizeof(int64_t)};
}

}  // namespace polyscene::embedding
