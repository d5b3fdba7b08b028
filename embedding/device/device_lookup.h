// One batch through the tables of a device: what ShardedLookup is on the CPU, call for call. Work is put on the queue
// of the tables' device, and the host goes on: in the steady state it does not wait for the device.
#pragma once

#include <memory>

#include "embedding/device/device_tables.h"
#include "embedding/keys/row_lookup.h"

namespace polyscene {

// Holds buffers and the routes of the latest lookup. rows() are the device's. One lookup at a time uses its tables.
class DeviceLookup : public RowLookup {
 public:
  // The tables must outlive the lookup.
  explicit DeviceLookup(DeviceTables& tables);
  ~DeviceLookup() override;
  DeviceLookup(DeviceLookup&&) noexcept;

  // `unique` lies on the host. Throws what an earlier update found, as check() does.
  void lookup(const UniqueKeys& unique, LookupMode mode) override;
  [[nodiscard]] TensorView rows(int group) const override;

  // Gradients are on the device, on multiples of 16 bytes. A summed gradient that is not finite keeps this and all
  // later updates from changing any row of this rank; the error is thrown by the call that learns of it: check(), or
  // one of the next few lookups and updates. tables.update_steps() is then again what it was before the update.
  void update(std::span<const TensorView> gradients, double learning_rate_factor = 1) override;

  // Throws Error naming table and key when a summed gradient was not finite.
  void check() override;
  void stop_where(const int32_t* stopped) override;

  // Wait for the device.
  [[nodiscard]] LookupStatistics last() const override;
  [[nodiscard]] LookupStatistics total() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyscene
