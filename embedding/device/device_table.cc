#include "embedding/device/device_table.h"

#include <algorithm>
#include <utility>

#include "embedding/device/table_kernels.h"
#include "embedding/table/initial_value.h"
#include "ops/base/error.h"

namespace polyscene::embedding {
namespace {

constexpr int64_t kBucketBytes = kBucketWords * 4;

}  // namespace

DeviceTable::DeviceTable(Device& device, TableSpec spec, uint64_t seed, const TableShare& share)
    : device_(&device),
      spec_(std::move(spec)),
      consumer_("the table " + spec_.name),
      salt_(table_salt(spec_.name)),
      initial_key_(initial_value_key(seed, salt_)),
      most_rows_(share.most_rows),
      plan_(plan_buckets(spec_.max_rows, share.map.partitions())),
      first_bucket_(share.map.first_partition(share.rank) * plan_.per_partition),
      chunk_list_(device, consumer_) {
  if (!bounded()) return;
  buckets_ = share.map.first_partition(share.rank + 1) * plan_.per_partition - first_bucket_;
  check_capacity(spec_, buckets_ * plan_.slots, most_rows_);
  add_chunks((buckets_ * plan_.slots + kChunkRows - 1) / kChunkRows);
  allocate_index(buckets_ * (plan_.slots + 4));
}

int64_t DeviceTable::capacity() const {
  if (bounded()) return buckets_ * plan_.slots;
  return std::min(index_capacity_, std::ssize(chunks_) * kChunkRows);
}

void DeviceTable::reserve(int64_t rows, int64_t present, const int32_t* row_count) {
  require<DeviceError>(rows <= most_rows_, "[embedding.device] table \"", spec_.name, "\" wanted room for ", rows,
                       " rows, but the most that a rank can hold is ", most_rows_, "; try more ranks");
  const int64_t have = std::ssize(chunks_), want = (rows + kChunkRows - 1) / kChunkRows;
  if (want > have) add_chunks(want - have);
  if (rows > index_capacity_) rebuild_index(rows + present / 8, present, row_count);
}

// Memory grows by blocks of chunks, an eighth of the table at a time.
void DeviceTable::add_chunks(int64_t count) {
  constexpr int64_t kMaxBlockBytes = int64_t{256} << 20;
  const int64_t have = std::ssize(chunks_);
  count = std::max(count, std::min(have / 8, kMaxBlockBytes / chunk_bytes()));
  blocks_.push_back(device_->allocate(count * chunk_bytes(), consumer_));
  char* const memory = static_cast<char*>(blocks_.back().get());
  for (int64_t c = 0; c < count; ++c) chunks_.push_back(memory + c * chunk_bytes());
  chunk_list_.assign(chunks_);
}

void DeviceTable::allocate_index(int64_t bytes) {
  index_ = device_->allocate(bytes, consumer_);
  index_bytes_ = bytes;
  device_->clear(index_.get(), bytes);
}

void DeviceTable::rebuild_index(int64_t capacity, int64_t present, const int32_t* row_count) {
  // Buckets are filled to 85 %: fuller ones overflow too often, emptier ones cost memory.
  constexpr int64_t kLoad = 85;
  const int64_t buckets = (std::max<int64_t>(capacity, 64) * 100 + kSlots * kLoad - 1) / (kSlots * kLoad);
  index_.reset();
  buckets_ = index_bytes_ = index_capacity_ = 0;
  allocate_index(buckets * kBucketBytes);
  buckets_ = buckets;
  index_capacity_ = buckets * kSlots * kLoad / 100;
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
          .initial_state = spec_.optimizer.initial_state(),
          .slots = plan_.slots,
          .all_buckets = static_cast<uint64_t>(plan_.buckets),
          .first_bucket = static_cast<uint64_t>(first_bucket_)};
}

int64_t DeviceTable::memory_bytes() const {
  return std::ssize(chunks_) * chunk_bytes() + index_bytes_ + chunk_list_.capacity_bytes();
}

SavedRows DeviceTable::read(int64_t rows) const {
  const size_t n = rows;
  const int64_t dim = spec_.dim, width = state_width();
  SavedRows all{.keys = {}, .values = {}, .state = {}, .accesses = {}};
  all.keys.reserve(n);
  all.accesses.reserve(n);
  all.values.reserve(n * dim);
  all.state.reserve(n * width);
  std::vector<uint8_t> digests(bounded() ? capacity() : 0);
  if (bounded()) device_->copy_out(digests.data(), index_.get(), capacity());

  std::vector<std::byte> chunk(chunk_bytes());
  const auto* tags = reinterpret_cast<const RowTag*>(chunk.data());
  const auto* values = reinterpret_cast<const float*>(tags + kChunkRows);
  const float* state = values + dim * kChunkRows;
  const int64_t end = bounded() ? capacity() : rows;
  for (int64_t row = 0; row < end; ++row) {
    const int64_t in_chunk = row % kChunkRows;
    if (in_chunk == 0) device_->copy_out(chunk.data(), chunks_[row / kChunkRows], chunk_bytes());
    if (bounded() && digests[row] == 0) continue;
    all.keys.push_back(tags[in_chunk].key);
    all.accesses.push_back(tags[in_chunk].access);
    all.values.insert(all.values.end(), values + in_chunk * dim, values + (in_chunk + 1) * dim);
    all.state.insert(all.state.end(), state + in_chunk * width, state + (in_chunk + 1) * width);
  }
  return all;
}

}  // namespace polyscene::embedding
