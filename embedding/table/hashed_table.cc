#include "embedding/table/hashed_table.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "embedding/plan/partition_map.h"
#include "embedding/table/initial_value.h"
#include "embedding/table/saved_rows.h"
#include "ops/base/error.h"
#include "ops/base/thread.h"

namespace polyscene {
namespace {

std::span<float> row_span(float* row, int64_t width) { return {row, static_cast<size_t>(width)}; }

}  // namespace

HashedTable::HashedTable(TableSpec spec, uint64_t seed, int64_t max_rows)
    : spec_(std::move(spec)),
      salt_(table_salt(spec_.name)),
      init_key_(initial_value_key(seed, salt_)),
      max_rows_(max_rows),
      store_(spec_.dim, spec_.optimizer.state_width(spec_.dim)) {}

int64_t HashedTable::memory_bytes() const { return store_.memory_bytes() + index_.memory_bytes(); }

// All keys of a rank share the top bits of the routing hash; a multiplication spreads the rest over the whole word.
uint64_t HashedTable::index_hash(int64_t key) const { return key_hash(key, salt_) * 0x9E3779B97F4A7C15ull; }

int32_t HashedTable::find_one(int64_t key, uint64_t hash) const {
  return index_.find(hash, [&](int32_t row) { return store_.key(row) == key; });
}

// Three passes over a few keys at a time, so that the misses of a bucket, and then of a row's key, overlap. The first
// candidate is the row nine times out of ten.
void HashedTable::find(std::span<const int64_t> keys, std::span<int32_t> rows) const {
  if (store_.rows() == 0) {
    std::ranges::fill(rows, kNoRow);
    return;
  }
  constexpr size_t kAhead = 32;
  std::array<uint64_t, kAhead> hash{};
  for (size_t begin = 0; begin < keys.size(); begin += kAhead) {
    const size_t count = std::min(kAhead, keys.size() - begin);
    const auto some_keys = keys.subspan(begin, count);
    const auto some_rows = rows.subspan(begin, count);
    for (size_t i = 0; i < count; ++i) index_.prefetch(hash[i] = index_hash(some_keys[i]));
    for (size_t i = 0; i < count; ++i) {
      some_rows[i] = index_.candidate(hash[i]);
      if (some_rows[i] != kNoRow) store_.prefetch_key(some_rows[i]);
    }
    for (size_t i = 0; i < count; ++i) {
      if (some_rows[i] != kNoRow && store_.key(some_rows[i]) == some_keys[i]) continue;
      some_rows[i] = find_one(some_keys[i], hash[i]);
    }
  }
}

int64_t HashedTable::insert_missing(std::span<const int64_t> keys, std::span<int32_t> rows) {
  constexpr size_t kAhead = 16;
  const int64_t before = store_.rows();
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i + kAhead < keys.size() && rows[i + kAhead] == kNoRow) index_.prefetch(index_hash(keys[i + kAhead]));
    if (rows[i] != kNoRow) continue;
    const uint64_t hash = index_hash(keys[i]);
    rows[i] = find_one(keys[i], hash);
    if (rows[i] != kNoRow) continue;
    require<DeviceError>(store_.rows() < max_rows_, "[embedding.table] table \"", spec_.name,
                         "\" wanted a row for key ", keys[i], ", but holds the most rows a rank can, ", max_rows_,
                         "; try more ranks");
    if (store_.rows() == index_.capacity()) rebuild_index(KeyIndex::grown(store_.rows()));
    rows[i] = store_.append(keys[i]);
    index_.insert(hash, rows[i]);
  }
  return store_.rows() - before;
}

void HashedTable::init_rows(int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    const int32_t row = static_cast<int32_t>(r);
    fill_initial_values(init_key_, key(row), spec_.init_stddev, row_span(values(row), spec_.dim));
    std::ranges::fill(row_span(state(row), state_width()), spec_.optimizer.initial_state());
  }
}

std::vector<int32_t> HashedTable::rows_by_key() const {
  std::vector<int32_t> order(static_cast<size_t>(rows()));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](int32_t row) { return key(row); });
  return order;
}

void HashedTable::read_rows(std::span<const int32_t> rows, std::span<int64_t> keys, std::span<float> values_out,
                            std::span<float> state_out) const {
  const size_t n = rows.size(), dim = static_cast<size_t>(spec_.dim), width = static_cast<size_t>(state_width());
  require(keys.size() == n && values_out.size() == n * dim && (state_out.empty() || state_out.size() == n * width),
          "[embedding.table] table \"", spec_.name, "\": wanted room for ", n, " keys, ", n * dim, " values and ",
          n * width, " state floats, got ", keys.size(), ", ", values_out.size(), " and ", state_out.size());
  for (size_t i = 0; i < n; ++i) {
    keys[i] = key(rows[i]);
    std::copy_n(values(rows[i]), dim, values_out.data() + i * dim);
    if (!state_out.empty()) std::copy_n(state(rows[i]), width, state_out.data() + i * width);
  }
}

void HashedTable::write_rows(std::span<const int64_t> keys, std::span<const float> values_in,
                             std::span<const float> state_in) {
  check_row_lengths(spec_, keys, values_in, state_in);
  const size_t n = keys.size(), dim = static_cast<size_t>(spec_.dim), width = static_cast<size_t>(state_width());
  std::vector<int32_t> rows(n);
  find(keys, rows);
  const int64_t added = insert_missing(keys, rows);
  init_rows(this->rows() - added, this->rows());
  for (size_t i = 0; i < n; ++i) {
    std::copy_n(values_in.data() + i * dim, dim, values(rows[i]));
    if (!state_in.empty()) std::copy_n(state_in.data() + i * width, width, state(rows[i]));
  }
}

void HashedTable::rebuild_index(int64_t capacity) {
  constexpr int64_t kAhead = 16;
  index_.reset(capacity);
  std::array<uint64_t, kAhead> pending{};
  for (int64_t r = 0; r < store_.rows() + kAhead; ++r) {
    uint64_t& slot = pending[static_cast<size_t>(r % kAhead)];
    if (r >= kAhead) index_.insert(slot, static_cast<int32_t>(r - kAhead));
    if (r >= store_.rows()) continue;
    slot = index_hash(store_.key(static_cast<int32_t>(r)));
    index_.prefetch(slot);
  }
}

}  // namespace polyscene
