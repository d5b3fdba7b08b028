// The exchange between ranks for tables on devices, the counterpart of RowExchange on the CPU: keys go to their owners
// from host to host; rows and gradients stay in device memory. A key that several ranks send arrives once from each of
// them; the kernels of the owner combine the gradients of such keys.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "embedding/device/device_tables.h"
#include "embedding/exchange/exchange_counts.h"
#include "embedding/keys/buffer.h"

namespace polyscene::embedding {

// One lookup: send_keys(), then for each group send_rows() and later send_gradients(). A group is all tables of one dim
// (TableLayout). N is the number of keys that this rank received for the tables of a group, K the number of distinct
// keys of this rank in it. The three calls are collective and throw CommunicationError.
class DeviceExchange {
 public:
  // The tables must outlive the exchange.
  explicit DeviceExchange(DeviceTables& tables);

  // Sends every distinct key of this rank to its owner. Returns the received keys in host memory, ordered by sender and
  // then by table in wire order (TableLayout), valid until the next call. Queues no work on the device, but may
  // allocate its memory: addresses from matrix() become invalid. Throws DeviceError if there is not enough.
  std::span<const int64_t> send_keys(const UniqueKeys& unique);
  // The numbers of keys, rows and gradients of the last send_keys(), by rank.
  [[nodiscard]] const ExchangeCounts& counts() const { return counts_; }

  // The matrix of a group [N, dim] in device memory, in the order of the received keys, valid until the next
  // send_keys(). The owner of the keys writes their rows into it; send_gradients() replaces them by gradients.
  [[nodiscard]] float* matrix(int group) const { return matrices_[group].data(); }
  // Sends the rows in matrix(group) to the ranks that asked for them. `rows` [K, dim], in device memory, receives the
  // rows of this rank's keys.
  void send_rows(int group, float* rows);
  // Sends the gradients of this rank's keys [K, dim], in device memory, to the owners, whose matrix(group) receives
  // them.
  void send_gradients(int group, const float* gradients);

  // Bytes sent to other ranks since construction.
  [[nodiscard]] int64_t bytes_sent() const { return bytes_sent_; }

 private:
  template <class T>
  void all_to_all(dist::Communicator& communicator, const T* input, const std::vector<int64_t>& to, T* output,
                  const std::vector<int64_t>& from);

  DeviceTables& tables_;
  ExchangeCounts counts_;
  Buffer<int64_t> keys_;
  std::vector<DeviceBuffer<float>> matrices_;
  int64_t bytes_sent_ = 0;
};

}  // namespace polyscene::embedding
