// The lookup of one batch in the tables of a device, with the same calls as ShardedLookup on the CPU. Work is queued on
// the tables' device, and the host continues: in the steady state it does not wait for the device.
#pragma once

#include <memory>

#include "embedding/device/device_tables.h"
#include "embedding/keys/row_lookup.h"

namespace polyscene::embedding {

// Holds buffers and the routes of the latest lookup. rows() are in device memory. Only one lookup at a time may use its
// tables.
class DeviceLookup : public RowLookup {
 public:
  // The tables must outlive the lookup.
  explicit DeviceLookup(DeviceTables& tables);
  ~DeviceLookup() override;
  DeviceLookup(DeviceLookup&&) noexcept;

  // `unique` is in host memory. Throws the errors of earlier updates, like check().
  void lookup(const UniqueKeys& unique, LookupMode mode) override;
  [[nodiscard]] TensorView rows(int group) const override;

  // Gradients are in device memory, aligned to 16 bytes. If a summed gradient is not finite, neither this update nor a
  // later one changes any row of this rank, and a later call throws the error: check(), or one of the next few lookups
  // and updates. tables.update_steps() then returns to its value before the update.
  void update(std::span<const TensorView> gradients, double learning_rate_factor = 1) override;

  // Throws Error naming table and key when a summed gradient was not finite.
  void check() override;
  void stop_where(const int32_t* stopped) override;

  // Both wait for the device.
  [[nodiscard]] LookupStatistics last() const override;
  [[nodiscard]] LookupStatistics total() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyscene::embedding
