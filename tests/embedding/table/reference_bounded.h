// A table with a bound once more: a std::map per bucket, one key after the other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <tuple>

#include "embedding/plan/bucket_plan.h"
#include "embedding/table/row_tag.h"

namespace polyscene::testing {

class ReferenceBounded {
 public:
  ReferenceBounded(const embedding::BucketPlan& plan, uint64_t salt) : plan_(plan), salt_(salt) {}

  // The distinct keys of a step.
  void train(std::span<const int64_t> keys, int32_t step) {
    for (const int64_t key : keys) {
      auto& bucket = buckets_[plan_.bucket(embedding::key_hash(key, salt_))];
      if (const auto found = bucket.find(key); found != bucket.end())
        found->second = {.last_step = step, .visits = found->second.visits + 1};
    }
    for (const int64_t key : keys) {
      auto& bucket = buckets_[plan_.bucket(embedding::key_hash(key, salt_))];
      if (bucket.contains(key)) continue;
      if (bucket.size() == static_cast<size_t>(plan_.slots)) {
        const auto turn = [](const auto& row) { return std::tuple(row.second.last_step, row.first); };
        bucket.erase(std::ranges::min_element(bucket, {}, turn));
        ++evicted_;
      }
      bucket[key] = {.last_step = step, .visits = 1};
    }
  }

  [[nodiscard]] std::map<int64_t, embedding::AccessStatistics> rows() const {
    std::map<int64_t, embedding::AccessStatistics> all;
    for (const auto& [number, bucket] : buckets_) all.insert(bucket.begin(), bucket.end());
    return all;
  }
  [[nodiscard]] int64_t evicted() const { return evicted_; }

 private:
  embedding::BucketPlan plan_;
  uint64_t salt_;
  std::map<int64_t, std::map<int64_t, embedding::AccessStatistics>> buckets_;
  int64_t evicted_ = 0;
};

}  // namespace polyscene::testing
