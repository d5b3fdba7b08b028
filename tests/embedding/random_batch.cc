#include "tests/embedding/random_batch.h"

#include <limits>

#include "ops/base/philox.h"

namespace polyscene::testing {
namespace {

constexpr int64_t kExtremes[] = {0, -1, 1, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};

int64_t random_key(PhiloxStream& random) {
  switch (random.next_below(8)) {
    case 0:
      return kExtremes[random.next_below(std::size(kExtremes))];
    case 1:
      return static_cast<int64_t>((uint64_t{random.next_u32()} << 32) | random.next_u32());
    case 2:
      return static_cast<int64_t>(random.next_below(20)) << 40;
    default:
      return static_cast<int64_t>(random.next_below(30));
  }
}

}  // namespace

std::vector<embedding::KeyBlock> TestBatch::blocks() {
  std::vector<embedding::KeyBlock> result;
  for (Feature& f : features) {
    f.index.assign(f.keys.size() * static_cast<size_t>(f.stride), -1);
    result.push_back({.table = f.table, .keys = f.keys, .index = f.index, .stride = f.stride});
  }
  return result;
}

TestBatch random_batch(int tables, int64_t step, int rank, int64_t keys_per_feature) {
  PhiloxStream random(static_cast<uint64_t>(step) * 1000 + static_cast<uint64_t>(rank));
  const bool empty_rank = step % 3 == 2 && rank == static_cast<int>(step) % 4;
  TestBatch batch;
  for (int f = 0; f < 2 * tables; ++f) {
    TestBatch::Feature& feature = batch.features.emplace_back();
    feature.table = (f * 5 + 1) % tables;
    feature.stride = 1 + f % 3;
    const bool empty = empty_rank || random.next_below(6) == 0;
    feature.keys.resize(empty ? 0 : random.next_below(static_cast<uint64_t>(keys_per_feature)) + 1);
    for (int64_t& key : feature.keys) key = random_key(random);
  }
  return batch;
}

float exact_gradient(int table, int64_t key, int64_t step, int64_t element) {
  const uint64_t bits = mix64(static_cast<uint64_t>(key) + 31 * static_cast<uint64_t>(table) +
                              977 * static_cast<uint64_t>(step) + 7919 * static_cast<uint64_t>(element));
  return static_cast<float>(static_cast<int64_t>(bits % 129) - 64) / 64.0f;
}

}  // namespace polyscene::testing
