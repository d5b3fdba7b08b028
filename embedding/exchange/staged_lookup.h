// The lookup for a model on a device with tables in host memory, for tables larger than the device. Rows are copied to
// the device and gradients back; the host waits for the gradients of every step.
#pragma once

#include <vector>

#include "embedding/exchange/sharded_lookup.h"
#include "embedding/keys/buffer.h"
#include "ops/device/device_buffer.h"

namespace polyscene::embedding {

class StagedLookup : public RowLookup {
 public:
  // Both must outlive the lookup. rows() are in device memory.
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
    Buffer<float> gradients;  // in host memory
  };
  std::vector<Group> groups_;
};

}  // namespace polyscene::embedding
