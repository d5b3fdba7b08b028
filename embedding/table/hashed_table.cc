#include "embedding/table/hashed_table.h"

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "embedding/plan/partition_map.h"
#include "embedding/table/initial_value.h"
#include "ops/base/error.h"
#include "ops/base/thread.h"

namespace polyscene::embedding {
namespace {

constexpr int32_t kLoading = std::numeric_limits<int32_t>::max();  // a step number

std::span<float> row_span(float* row, int64_t width) { return {row, static_cast<size_t>(width)}; }

// All keys of a rank share the top bits of the routing hash; a multiplication spreads the rest over the whole word.
uint64_t index_hash(uint64_t routing_hash) { return routing_hash * 0x9E3779B97F4A7C15ull; }

}  // namespace

void check_capacity(const TableSpec& spec, int64_t capacity, int64_t most_rows) {
  require<DeviceError>(capacity <= most_rows, "[embedding.table] table \"", spec.name, "\" with max_rows ",
                       spec.max_rows, " wanted ", capacity, " rows of a rank, which can hold ", most_rows,
                       "; try a smaller max_rows, or more ranks");
}

namespace {

// The memory of a bounded table is taken at once, so a bound too high for the host fails here.
template <class Body>
auto within_memory(const TableSpec& spec, int64_t capacity, const Body& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  } catch (const DeviceError&) {
  }
  throw DeviceError(str("[embedding.table] table \"", spec.name, "\" with max_rows ", spec.max_rows,
                        " wanted memory for ", capacity, " rows of dim ", spec.dim,
                        ", more than this host has free; try a smaller max_rows, or ", "more ranks on more hosts"));
}

BoundedIndex bounded_index(const TableSpec& spec, const TableShare& share) {
  const BucketPlan plan = plan_buckets(spec.max_rows, share.map.partitions());
  const int first = share.map.first_partition(share.rank), end = share.map.first_partition(share.rank + 1);
  const int64_t capacity = (end - first) * plan.per_partition * plan.slots;
  check_capacity(spec, capacity, share.most_rows);
  return within_memory(spec, capacity, [&] { return BoundedIndex(plan, first, end); });
}

}  // namespace

HashedTable::HashedTable(TableSpec spec, uint64_t seed, const TableShare& share)
    : spec_(std::move(spec)),
      salt_(table_salt(spec_.name)),
      init_key_(initial_value_key(seed, salt_)),
      most_rows_(share.most_rows),
      store_(spec_.dim, spec_.optimizer.state_width(spec_.dim)),
      bounded_(bounded_index(spec_, share)) {
  within_memory(spec_, bounded_.capacity(), [&] { store_.allocate(bounded_.capacity()); });
}

int64_t HashedTable::memory_bytes() const {
  return store_.memory_bytes() + index_.memory_bytes() + bounded_.memory_bytes();
}

int32_t HashedTable::find_one(int64_t key) const {
  const auto same_key = [&](int32_t row) { return this->key(row) == key; };
  return bounded_.used() ? bounded_.find(hash_of(key), same_key) : index_.find(index_hash(hash_of(key)), same_key);
}

// Several passes over a few keys at a time, so that the cache misses of buckets, and then of tags, overlap.
void HashedTable::find(std::span<const int64_t> keys, std::span<int32_t> rows) const {
  if (rows_ == 0) {
    std::ranges::fill(rows, kNoRow);
    return;
  }
  constexpr size_t kAhead = 32;
  std::array<uint64_t, kAhead> hash{};
  for (size_t begin = 0; begin < keys.size(); begin += kAhead) {
    const size_t count = std::min(kAhead, keys.size() - begin);
    const auto some_keys = keys.subspan(begin, count);
    const auto some_rows = rows.subspan(begin, count);
    if (bounded_.used()) {
      for (const int64_t key : some_keys) bounded_.prefetch(hash_of(key));
      for (size_t i = 0; i < count; ++i) some_rows[i] = find_one(some_keys[i]);
      continue;
    }
    for (size_t i = 0; i < count; ++i) index_.prefetch(hash[i] = index_hash(hash_of(some_keys[i])));
    // The first candidate is the row nine times out of ten.
    for (size_t i = 0; i < count; ++i) {
      some_rows[i] = index_.candidate(hash[i]);
      if (some_rows[i] != kNoRow) store_.prefetch_tag(some_rows[i]);
    }
    for (size_t i = 0; i < count; ++i) {
      if (some_rows[i] != kNoRow && key(some_rows[i]) == some_keys[i]) continue;
      some_rows[i] = find_one(some_keys[i]);
    }
  }
}

void HashedTable::touch(std::span<const int32_t> rows, int32_t step) {
  preserve(rows);
  for (const int32_t row : rows) {
    if (row == kNoRow) continue;
    AccessStatistics& access = store_.tag(row).access;
    access.last_step = step;
    ++access.visits;
  }
}

int64_t HashedTable::insert_missing(std::span<const int64_t> keys, std::span<int32_t> rows, int32_t step,
                                    std::vector<int32_t>& fresh) {
  constexpr size_t kAhead = 16;
  std::erase_if(snapshots_, [](const auto& snapshot) {
    const auto read = snapshot.lock();
    return read == nullptr || read->released();
  });
  int64_t evicted = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i + kAhead < keys.size() && rows[i + kAhead] == kNoRow) {
      const uint64_t hash = hash_of(keys[i + kAhead]);
      bounded_.used() ? bounded_.prefetch(hash) : index_.prefetch(index_hash(hash));
    }
    if (rows[i] != kNoRow) continue;
    rows[i] = find_one(keys[i]);
    if (rows[i] != kNoRow) continue;
    if (bounded_.used()) {
      const int64_t evicted_before = evicted;
      rows[i] = bounded_.place(
          hash_of(keys[i]), step, [&](int32_t row) -> const RowTag& { return store_.tag(row); }, evicted);
      if (rows[i] == kNoRow) throw overfull(keys);
      if (evicted > evicted_before) preserve({&rows[i], 1});
    } else {
      rows[i] = append(keys[i]);
    }
    store_.tag(rows[i]) = {.key = keys[i], .access = {.last_step = step, .visits = 1}};
    fresh.push_back(rows[i]);
    ++rows_;
  }
  rows_ -= evicted;
  return evicted;
}

int32_t HashedTable::append(int64_t key) {
  require<DeviceError>(rows_ < most_rows_, "[embedding.table] table \"", spec_.name, "\" wanted a row for key ", key,
                       ", but holds the most rows a rank can, ", most_rows_, "; try more ranks");
  if (rows_ == index_.capacity()) rebuild_index(KeyIndex::grown(rows_));
  const int32_t row = store_.append();
  index_.insert(index_hash(hash_of(key)), row);
  return row;
}

InvalidArgument HashedTable::overfull(std::span<const int64_t> keys) const {
  std::unordered_map<int64_t, int64_t> wanted;
  int64_t most = 0;
  for (const int64_t key : keys) most = std::max(most, ++wanted[bounded_.plan().bucket(hash_of(key))]);
  return overfull_bucket(spec_, most, bounded_.plan().slots);
}

void HashedTable::init_rows(std::span<const int32_t> rows) {
  for (const int32_t row : rows) {
    fill_initial_values(init_key_, key(row), spec_.init_stddev, row_span(values(row), spec_.dim));
    std::ranges::fill(row_span(state(row), state_width()), spec_.optimizer.initial_state());
  }
}

std::vector<int32_t> HashedTable::held_rows() const {
  std::vector<int32_t> rows;
  rows.reserve(rows_);
  for (int64_t row = 0; row < store_.rows(); ++row)
    if (!bounded_.used() || bounded_.holds(static_cast<int32_t>(row))) rows.push_back(static_cast<int32_t>(row));
  return rows;
}

std::vector<int32_t> HashedTable::rows_by_key() const {
  std::vector<int32_t> order = held_rows();
  std::ranges::sort(order, {}, [&](int32_t row) { return key(row); });
  return order;
}

void HashedTable::read_rows(std::span<const int32_t> rows, const RowsOut& out) const {
  check_rows_out(spec_, std::ssize(rows), out);
  const size_t dim = spec_.dim, width = state_width();
  for (size_t i = 0; i < rows.size(); ++i) {
    out.keys[i] = key(rows[i]);
    std::copy_n(values(rows[i]), dim, out.values.data() + i * dim);
    if (!out.state.empty()) std::copy_n(state(rows[i]), width, out.state.data() + i * width);
    if (!out.accesses.empty()) out.accesses[i] = access(rows[i]);
  }
}

std::shared_ptr<TableSnapshot> HashedTable::snapshot() {
  auto made = std::make_shared<RowSnapshot>(store_, bounded_.used() ? held_rows() : std::vector<int32_t>(), rows_);
  snapshots_.push_back(made);
  return made;
}

void HashedTable::preserve(std::span<const int32_t> rows) const {
  for (const auto& snapshot : snapshots_)
    if (const auto read = snapshot.lock()) read->preserve(rows);
}

void HashedTable::expect_rows(int64_t rows) {
  if (bounded_.used() || rows <= index_.capacity()) return;
  rebuild_index(rows);
  store_.reserve(rows);
}

// Runs on one thread, because other ranks load at the same time and another thread checks what is loaded.
void HashedTable::write_rows(const RowsIn& in) {
  check_rows_in(spec_, in);
  std::vector<int32_t> rows(in.keys.size(), kNoRow), fresh;
  const auto n = std::ssize(rows);
  if (bounded_.used() || rows_ + n > index_.capacity() || !snapshots_.empty()) {
    find(in.keys, rows);
    // Marked as used in a step that never comes, so that loaded rows do not evict each other.
    touch(rows, kLoading);
    const int64_t wanted = rows_ + std::ranges::count(rows, kNoRow);
    if (!bounded_.used() && wanted > index_.capacity()) rebuild_index(std::max(wanted, KeyIndex::grown(rows_)));
  }
  static_cast<void>(insert_missing(in.keys, rows, kLoading, fresh));
  if (in.state.empty())
    for (const int32_t row : fresh)
      std::ranges::fill(row_span(state(row), state_width()), spec_.optimizer.initial_state());
  const int64_t dim = spec_.dim, width = state_width();
  for (int64_t i = 0; i < n; ++i) {
    const int32_t row = rows[i];
    store_.tag(row).access = in.accesses.empty() ? AccessStatistics() : in.accesses[i];
    std::copy_n(in.values.data() + i * dim, dim, values(row));
    if (!in.state.empty()) std::copy_n(in.state.data() + i * width, width, state(row));
  }
}

void HashedTable::rebuild_index(int64_t capacity) {
  constexpr int64_t kAhead = 16;
  index_.reset(capacity);
  std::array<uint64_t, kAhead> pending{};
  for (int64_t r = 0; r < store_.rows() + kAhead; ++r) {
    uint64_t& slot = pending[r % kAhead];
    if (r >= kAhead) index_.insert(slot, static_cast<int32_t>(r - kAhead));
    if (r >= store_.rows()) continue;
    slot = index_hash(hash_of(key(static_cast<int32_t>(r))));
    index_.prefetch(slot);
  }
}

}  // namespace polyscene::embedding
