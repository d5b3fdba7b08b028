// The exchange between ranks: keys to their owners, rows back, gradients to the owners. All tables travel together: a
// step costs one all-to-all of counts, one of keys, and one of rows and one of gradients per group of equal dim.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dist/communicator.h"
#include "embedding/exchange/exchange_counts.h"
#include "embedding/keys/deduplicator.h"
#include "embedding/keys/key_pieces.h"

namespace polyscene::embedding {

class RowExchange {
 public:
  // Both must outlive the exchange.
  RowExchange(const TableLayout& layout, dist::Communicator& communicator);

  // Sends every distinct key of this rank to its owner. Returns the distinct keys among all that this rank received and
  // therefore owns; valid until the next call. Collective, like send_rows() and sum_gradients().
  const UniqueKeys& send_keys(const UniqueKeys& unique);

  // The received keys, by sender. The keys of a piece are [begin, end) of index(); their rows start at piece.row_begin
  // in outgoing(piece.group).
  [[nodiscard]] std::span<const KeyPiece> received() const { return pieces_; }
  // The row index of each received key among the owned rows of its group. [received keys]
  [[nodiscard]] std::span<const int32_t> index() const { return index_.span(); }

  // The rows for the received keys; the owner fills them. [received rows of the group, dim]
  [[nodiscard]] float* outgoing(int group) { return groups_[group].exchange.data(); }
  // Sends outgoing(group); `rows` receives the rows of this rank's distinct keys. [unique.rows(group), dim]
  void send_rows(int group, std::span<float> rows);

  // Sends gradients [unique.rows(group), dim] to the owners. Returns their sums over ranks, added in rank order,
  // [owned rows of the group, dim]; valid until the next call for this group.
  std::span<const float> sum_gradients(int group, std::span<const float> gradients);

  // Bytes sent to other ranks since construction.
  [[nodiscard]] int64_t bytes_sent() const { return bytes_sent_; }

 private:
  struct Group {
    Buffer<float> exchange;  // [received rows, dim]: rows on their way out, later gradients that came in
    Buffer<float> sums;      // [owned rows, dim]
  };

  void deduplicate_received();
  template <class T>
  void all_to_all(std::span<const T> input, std::span<const int64_t> send_counts, std::span<T> output,
                  std::span<const int64_t> receive_counts);

  const TableLayout& layout_;
  dist::Communicator& communicator_;
  ExchangeCounts counts_;
  Buffer<int64_t> keys_;  // received, by sender, then table in wire order
  Buffer<int32_t> index_;
  std::vector<KeyBlock> blocks_;
  std::vector<KeyPiece> pieces_;
  Deduplicator deduplicator_;
  UniqueKeys owned_;
  std::vector<Group> groups_;
  int64_t bytes_sent_ = 0;
};

}  // namespace polyscene::embedding
