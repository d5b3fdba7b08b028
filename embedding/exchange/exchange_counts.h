// The counts of keys, rows and gradients that the ranks exchange in one step. Every message follows them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dist/communicator.h"
#include "embedding/keys/deduplicator.h"

namespace polyscene::embedding {

class ExchangeCounts {
 public:
  // One message to every rank and one back, in rank order.
  struct Message {
    std::vector<int64_t> to, from;  // elements sent to and received from each rank [ranks]
    int64_t all_to = 0, all_from = 0;
  };

  // The layout must outlive the counts.
  ExchangeCounts(const TableLayout& layout, int ranks);

  // Tells every owner how many keys of each table it will receive. Collective; `communicator` must be over host memory.
  void exchange(const UniqueKeys& unique, dist::Communicator& communicator);

  // Received keys, by sender, then by table in wire order. [senders, tables]
  [[nodiscard]] std::span<const int64_t> received() const { return received_; }
  // Numbers of keys to and from each rank.
  [[nodiscard]] const Message& keys() const { return keys_; }
  // Numbers of floats of gradients to and from each rank; rows travel the other way.
  [[nodiscard]] const Message& gradients(int group) const { return groups_[group]; }
  // Bytes of counts that one exchange() sends to other ranks.
  [[nodiscard]] int64_t bytes_sent() const;

 private:
  void fill(Message& message, std::span<const int64_t> sent, int first_table, int last_table, int64_t factor) const;

  const TableLayout& layout_;
  std::vector<int64_t> received_;
  Message keys_;
  std::vector<Message> groups_;
};

}  // namespace polyscene::embedding
