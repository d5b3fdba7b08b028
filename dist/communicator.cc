#include "dist/communicator.h"

#include <numeric>

namespace polyscene::dist {
namespace {

int64_t checked_total(std::string_view side, std::span<const int64_t> counts, int rank, int size) {
  require(counts.size() == static_cast<size_t>(size), "[dist.all_to_all_v] rank ", rank, ": wanted ", size, " ", side,
          " counts, one per rank, got ", counts.size());
  for (size_t peer = 0; peer < counts.size(); ++peer) {
    require(counts[peer] >= 0, "[dist.all_to_all_v] rank ", rank, ": wanted ", side, " counts of at least 0, got ",
            counts[peer], " for rank ", peer);
  }
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

void check_length(std::string_view side, size_t length, int64_t wanted, int rank) {
  require(length == static_cast<size_t>(wanted), "[dist.all_to_all_v] rank ", rank, ": the ", side,
          " counts add up to ", wanted, " elements, but the ", side, " buffer has ", length);
}

}  // namespace

void Communicator::check_counts(size_t input, std::span<const int64_t> send, size_t output,
                                std::span<const int64_t> receive) const {
  check_length("send", input, checked_total("send", send, rank_, size_), rank_);
  check_length("receive", output, checked_total("receive", receive, rank_, size_), rank_);
}

}  // namespace polyscene::dist
