// One batch through the tables of a device: what ShardedLookup is on the CPU, call for call. Work is put on the queue
// of the tables' device, and the host goes on: in the steady state it does not wait for the device.
#pragma once

#include <memory>
#include <span>

#include "embedding/device/device_tables.h"
#include "embedding/lookup/sharded_lookup.h"

namespace polyscene {

// Holds buffers and the routes of the latest lookup. Every call but the statistics is a collective, as of
// ShardedLookup. One lookup at a time uses its tables.
class DeviceLookup {
 public:
  // The tables must outlive the lookup.
  explicit DeviceLookup(DeviceTables& tables);
  ~DeviceLookup();
  DeviceLookup(DeviceLookup&&) noexcept;

  // Fetches the rows of all distinct keys. `unique` comes from a Deduplicator of tables.layout(), lies on the host, and
  // must stay as it is until update() or the next lookup. Throws what an earlier update found, as check() does.
  void lookup(const UniqueKeys& unique, LookupMode mode);

  // The rows of the latest lookup, [unique.rows(group), dim] float32 on the device; this object's memory, valid until
  // the next lookup. The caller may write to it.
  [[nodiscard]] TensorView rows(int group) const;

  // As ShardedLookup::update, with gradients on the device, on multiples of 16 bytes. A summed gradient that is not
  // finite keeps this and all later updates from changing any row of this rank; the error is thrown by the call that
  // learns of it: check(), or one of the next few lookups and updates. tables.update_steps() is then again what it was
  // before the update.
  void update(std::span<const TensorView> gradients, double learning_rate_factor = 1);

  // Waits for the device. Throws Error naming table and key when a summed gradient was not finite.
  void check();

  // Of the latest step (lookup and update), and of all since construction. Wait for the device.
  [[nodiscard]] LookupStatistics last() const;
  [[nodiscard]] LookupStatistics total() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyscene
