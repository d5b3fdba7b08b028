// The exchange between ranks for tables on devices, the counterpart of RowExchange on the CPU: keys go to their owners
// from host to host; rows and gradients stay in device memory. Equal keys of several senders are not merged here;
// kernels link them.
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

  // Sends every distinct key of this rank to its owner. Returns the received keys by sender, then table in wire order
  // [counts().keys().all_from], in host memory, valid until the next call. Does not use the device. Collective, like
  // send_rows() and send_gradients().
  std::span<const int64_t> send_keys(const UniqueKeys& unique);
  [[nodiscard]] const ExchangeCounts& counts() const { return counts_; }

  // The matrix of a group, in device memory, in the order of the received keys. The owner fills it with rows; later it
  // receives gradients.
  [[nodiscard]] float* matrix(int group) const { return matrices_[static_cast<size_t>(group)].data(); }
  // Sends matrix(group). `rows`, in device memory, receives the rows of this rank's distinct keys.
  void send_rows(int group, float* rows);
  // Sends the gradients of this rank's distinct keys to the owners, whose matrix(group) receives them.
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
