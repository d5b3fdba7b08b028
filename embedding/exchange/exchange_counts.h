// How much goes between the ranks in one step: the counts that every message of keys, rows and gradients follows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dist/communicator.h"
#include "embedding/keys/deduplicator.h"

namespace polyscene {

class ExchangeCounts {
 public:
  // Between ranks and back again, in rank order.
  struct Message {
    std::vector<int64_t> to, from;  // elements to and from each rank [ranks]
    int64_t all_to = 0, all_from = 0;
  };

  // The layout must outlive the counts.
  ExchangeCounts(const TableLayout& layout, int ranks);

  // Tells every owner how many keys of each table it gets. Collective; of a communicator over memory of the host.
  void exchange(const UniqueKeys& unique, Communicator& communicator);

  // Keys that come from each rank, by table in wire order. [senders, tables]
  [[nodiscard]] std::span<const int64_t> received() const { return received_; }
  // Keys to and from each rank.
  [[nodiscard]] const Message& keys() const { return keys_; }
  // Floats of gradients to and from each rank; rows go the other way.
  [[nodiscard]] const Message& gradients(int group) const { return groups_[static_cast<size_t>(group)]; }
  // Bytes of counts that one exchange sends to other ranks.
  [[nodiscard]] int64_t bytes_sent() const;

 private:
  void fill(Message& message, std::span<const int64_t> sent, int first_table, int last_table, int64_t factor) const;

  const TableLayout& layout_;
  std::vector<int64_t> received_;
  Message keys_;
  std::vector<Message> groups_;
};

}  // namespace polyscene
