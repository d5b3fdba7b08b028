#include "embedding/device/device_table.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "embedding/device/table_kernels.h"
#include "embedding/table/initial_value.h"
#include "ops/base/error.h"

namespace polyscene {
namespace {

constexpr int64_t kBucketBytes = kBucketWords * 4;

}  // namespace

DeviceTable::DeviceTable(Device& device, TableSpec spec, uint64_t seed, int64_t max_rows)
    : device_(&device),
      spec_(std::move(spec)),
      consumer_("the table " + spec_.name),
      salt_(table_salt(spec_.name)),
      initial_key_(initial_value_key(seed, salt_)),
      max_rows_(max_rows),
      chunk_list_(device, consumer_) {}

int64_t DeviceTable::capacity() const {
  return std::min(index_capacity_, static_cast<int64_t>(chunks_.size()) * kChunkRows);
}

void DeviceTable::reserve(int64_t rows, int64_t present, const int32_t* row_count) {
  require<DeviceError>(rows <= max_rows_, "[embedding.device] table \"", spec_.name, "\" wanted room for ", rows,
                       " rows, but the most that a rank can hold is ", max_rows_, "; try more ranks");
  const int64_t have = static_cast<int64_t>(chunks_.size()), want = (rows + kChunkRows - 1) / kChunkRows;
  if (want > have) add_chunks(want - have);
  if (rows > index_capacity_) rebuild_index(rows + present / 8, present, row_count);
}

// Blocks of chunks grow with the table, an eighth at a time.
void DeviceTable::add_chunks(int64_t count) {
  constexpr int64_t kMaxBlockBytes = int64_t{256} << 20;
  const int64_t have = static_cast<int64_t>(chunks_.size());
  count = std::max(count, std::min(have / 8, kMaxBlockBytes / chunk_bytes()));
  blocks_.push_back(device_->allocate(count * chunk_bytes(), consumer_));
  char* const memory = static_cast<char*>(blocks_.back().get());
  for (int64_t c = 0; c < count; ++c) chunks_.push_back(memory + c * chunk_bytes());
  chunk_list_.assign(chunks_);
}

void DeviceTable::rebuild_index(int64_t capacity, int64_t present, const int32_t* row_count) {
  // 85 of 100 slots: fuller buckets overflow too often, emptier ones cost memory.
  constexpr int64_t kLoad = 85;
  const int64_t buckets = (std::max<int64_t>(capacity, 64) * 100 + kSlots * kLoad - 1) / (kSlots * kLoad);
  index_.reset();
  buckets_ = index_capacity_ = 0;
  index_ = device_->allocate(buckets * kBucketBytes, consumer_);
  buckets_ = buckets;
  index_capacity_ = buckets * kSlots * kLoad / 100;
  device_->clear(index_.get(), buckets * kBucketBytes);
  if (present > 0) index_rows(device_->stream(), view(), row_count, present);
}

TableView DeviceTable::view() const {
  return {.index = static_cast<uint32_t*>(index_.get()),
          .chunks = chunk_list_.data(),
          .buckets = static_cast<uint64_t>(buckets_),
          .salt = salt_,
          .initial_key = initial_key_,
          .chunk_count = static_cast<int32_t>(chunks_.size()),
          .dim = static_cast<int32_t>(spec_.dim),
          .state_width = static_cast<int32_t>(state_width()),
          .init_stddev = static_cast<float>(spec_.init_stddev),
          .initial_state = spec_.optimizer.initial_state()};
}

int64_t DeviceTable::memory_bytes() const {
  return static_cast<int64_t>(chunks_.size()) * chunk_bytes() + buckets_ * kBucketBytes + chunk_list_.capacity_bytes();
}

void DeviceTable::read(int64_t rows, int64_t* keys, float* values, float* state) const {
  std::vector<char> chunk(static_cast<size_t>(chunk_bytes()));
  const int64_t dim = spec_.dim, width = state_width();
  const auto copy = [&](auto* to, int64_t first, int64_t count, int64_t row_width, int64_t offset) {
    const auto bytes = static_cast<size_t>(count * row_width) * sizeof(*to);
    std::memcpy(to + first * row_width, chunk.data() + offset, bytes);
  };
  for (int64_t first = 0; first < rows; first += kChunkRows) {
    const int64_t count = std::min<int64_t>(kChunkRows, rows - first);
    device_->copy_out(chunk.data(), chunks_[static_cast<size_t>(first / kChunkRows)], chunk_bytes());
    copy(keys, first, count, 1, 0);
    copy(values, first, count, dim, 8 * kChunkRows);
    if (state != nullptr) copy(state, first, count, width, (8 + 4 * dim) * kChunkRows);
  }
}

}  // namespace polyscene
