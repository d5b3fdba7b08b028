// Batches of every awkward kind, as pure functions of (step, rank).
#pragma once

#include <cstdint>
#include <vector>

#include "embedding/keys/deduplicator.h"

namespace polyscene::testing {

// Keys of one rank with the index that deduplication fills.
struct TestBatch {
  struct Feature {
    int table;
    int64_t stride;
    std::vector<int64_t> keys;
    std::vector<int32_t> index;
  };
  std::vector<Feature> features;

  [[nodiscard]] std::vector<embedding::KeyBlock> blocks();
  [[nodiscard]] int32_t row(size_t feature, size_t i) const {
    const Feature& f = features[feature];
    return f.index[i * static_cast<size_t>(f.stride)];
  }
};

// Several features per table, duplicates within and across ranks, extreme keys, empty features, and in every third step
// a rank without any key.
[[nodiscard]] TestBatch random_batch(int tables, int64_t step, int rank, int64_t keys_per_feature = 60);

// Gradient of one occurrence of a key: a multiple of 1/64, so that sums of a batch are exact in any order.
[[nodiscard]] float exact_gradient(int table, int64_t key, int64_t step, int64_t element);

}  // namespace polyscene::testing
