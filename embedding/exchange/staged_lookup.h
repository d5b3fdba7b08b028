// Tables in the host's memory for a model on a device: rows are copied there, gradients back. For tables larger than
// the device; the host waits for the gradients of every step.
#pragma once

#include <vector>

#include "embedding/exchange/sharded_lookup.h"
#include "embedding/keys/buffer.h"
#include "ops/device/device_buffer.h"

namespace polyscene {

class StagedLookup : public RowLookup {
 public:
  // Both must outlive the lookup. rows() are memory of the device.
  StagedLookup(ShardedTables& tables, Device& device);

  void lookup(const UniqueKeys& unique, LookupMode mode) override;
  [[nodiscard]] TensorView rows(int group) const override;
  void update(std::span<const TensorView> gradients, double learning_rate_factor) override;
  void stop_where(const int32_t* stopped) override { stopped_ = stopped; }
  [[nodiscard]] LookupStatistics last() const override { return host_.last(); }
  [[nodiscard]] LookupStatistics total() const override { return host_.total(); }

 private:
  ShardedLookup host_;
  Device& device_;
  const int32_t* stopped_ = nullptr;
  struct Group {
    DeviceBuffer<float> rows;
    Buffer<float> gradients;  // on the host
  };
  std::vector<Group> groups_;
};

}  // namespace polyscene
