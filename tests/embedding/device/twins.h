// One rank's tables twice, on the CPU and on an emulated device, which are given the same and asked for the same.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "dist/world.h"
#include "embedding/device/device_lookup.h"
#include "embedding/exchange/sharded_lookup.h"
#include "embedding/table/initial_value.h"
#include "tests/embedding/random_batch.h"
#include "tests/support/emulator/emulated_device.h"

namespace polyscene::testing {

// Rows ascending by key: what saving writes.
[[nodiscard]] embedding::SavedRows rows_of(embedding::RowTables& tables, int index);

// A host's copy of a tensor of the device, whose work it waits for.
[[nodiscard]] std::vector<float> to_host(Device& device, const TensorView& tensor);

// Few units in the last place apart, zeros of either sign alike: the optimisers' sums may be contracted differently.
inline void expect_close(std::span<const float> got, std::span<const float> want, const std::string& where) {
  ASSERT_EQ(got.size(), want.size()) << where;
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_TRUE(std::abs(got[i] - want[i]) <= 2e-6f * (0.01f + std::abs(want[i])))
        << where << ": element " << i << " is " << got[i] << ", wanted " << want[i];
}

class Twins {
 public:
  Twins(dist::Communicator& communicator, const std::vector<embedding::TableSpec>& specs,
        const embedding::ShardingOptions& options = {.seed = 42});

  // The same lookup on both, whose rows must agree.
  void look_up(TestBatch& batch, embedding::LookupMode mode, const std::string& where = "");
  // Gradients that no two orders of addition sum alike, given to both.
  void update(int64_t step, double factor = 1);
  // Gradients per group [unique rows, dim], on the host.
  void update(const std::vector<std::vector<float>>& gradients, double factor = 1);
  [[nodiscard]] std::vector<std::vector<float>> gradients_of(int64_t step) const;
  // On the device alone.
  void update_device(const std::vector<std::vector<float>>& gradients, double factor = 1);
  // All rows of all tables must agree; without `accesses`, where the device was given lookups that the CPU was not.
  void compare(bool accesses = true);

  EmulatedDevice device;
  std::unique_ptr<dist::Communicator> staged;  // the ranks over memory of their devices
  embedding::ShardedTables tables;
  embedding::ShardedLookup lookup;
  embedding::DeviceTables device_tables;
  embedding::DeviceLookup device_lookup;
  embedding::Deduplicator deduplicator;
  embedding::UniqueKeys unique;

 private:
  std::vector<DeviceBuffer<float>> gradient_memory_;
};

}  // namespace polyscene::testing
