// Between the ranks: keys to their owners, from host to host, where they are; rows back and gradients to the owners, in
// memory of the devices. What RowExchange is on the CPU; equal keys of several senders stay apart here, kernels link
// them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "embedding/device/device_tables.h"
#include "embedding/exchange/exchange_counts.h"
#include "embedding/keys/buffer.h"

namespace polyscene {

class DeviceExchange {
 public:
  // The tables must outlive the exchange.
  explicit DeviceExchange(DeviceTables& tables);

  // Sends every distinct key of this rank to its owner. Returns what came, by sender, then table in wire order
  // [counts().keys().all_from]; on the host, valid until the next call. Asks nothing of the device. Collective, like
  // the two below.
  std::span<const int64_t> send_keys(const UniqueKeys& unique);
  [[nodiscard]] const ExchangeCounts& counts() const { return counts_; }

  // Rows for the received keys of a group, to be filled by the owner, later gradients that came; on the device, in the
  // order of the received keys.
  [[nodiscard]] float* matrix(int group) const { return matrices_[static_cast<size_t>(group)].data(); }
  // Sends matrix(group); `rows` on the device receives the rows of this rank's distinct keys.
  void send_rows(int group, float* rows);
  // Sends gradients of this rank's distinct keys to the owners, who get them in matrix(group).
  void send_gradients(int group, const float* gradients);

  // Bytes sent to other ranks since construction.
  [[nodiscard]] int64_t bytes_sent() const { return bytes_sent_; }

 private:
  template <class T>
  void all_to_all(Communicator& communicator, const T* input, const std::vector<int64_t>& to, T* output,
                  const std::vector<int64_t>& from);

  DeviceTables& tables_;
  ExchangeCounts counts_;
  Buffer<int64_t> keys_;
  std::vector<DeviceBuffer<float>> matrices_;
  int64_t bytes_sent_ = 0;
};

}  // namespace polyscene
