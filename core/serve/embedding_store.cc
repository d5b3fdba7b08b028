#include "core/serve/embedding_store.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "core/files/file_advice.h"
#include "ops/base/error.h"
#include "ops/base/philox.h"

namespace polyscene::core {
namespace {

constexpr char kMagic[8] = {'P', 'S', 'R', 'O', 'W', 'S', '1', '\n'};
constexpr int64_t kMostRows = (int64_t{1} << 32) - 2;

int64_t value_bytes(RowFormat format) {
  return format == RowFormat::kFloat32 ? 4 : format == RowFormat::kBfloat16 ? 2 : 1;
}

int64_t record_bytes_of(RowFormat format, int64_t dim) {
  const int64_t scale = format == RowFormat::kInt8 ? 4 : 0;
  return (8 + scale + dim * value_bytes(format) + 7) / 8 * 8;
}

int64_t slots_of(int64_t rows) {
  return std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(rows + rows / 2, 1) + 1));
}

uint64_t hash_of(const StoreHeader& header) { return XXH3_64bits(&header, offsetof(StoreHeader, header_hash)); }

uint16_t to_bfloat16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

void write_values(RowFormat format, const float* values, int64_t dim, char* to) {
  if (format == RowFormat::kFloat32) {
    std::memcpy(to, values, 4 * dim);
  } else if (format == RowFormat::kBfloat16) {
    for (int64_t i = 0; i < dim; ++i) {
      const uint16_t x = to_bfloat16(values[i]);
      std::memcpy(to + 2 * i, &x, 2);
    }
  } else {
    float largest = 0;
    for (int64_t i = 0; i < dim; ++i) largest = std::max(largest, std::abs(values[i]));
    const float scale = largest / 127;
    std::memcpy(to, &scale, 4);
    for (int64_t i = 0; i < dim; ++i) to[4 + i] = static_cast<char>(scale > 0 ? std::lround(values[i] / scale) : 0);
  }
}

}  // namespace

const char* row_format_name(RowFormat format) {
  return format == RowFormat::kFloat32 ? "fp32" : format == RowFormat::kBfloat16 ? "bf16" : "int8";
}

RowFormat parse_row_format(const std::string& name) {
  for (const RowFormat format : {RowFormat::kFloat32, RowFormat::kBfloat16, RowFormat::kInt8})
    if (name == row_format_name(format)) return format;
  throw InvalidArgument(str("[serve] wanted rows as fp32, bf16 or int8, got \"", name, "\""));
}

EmbeddingStoreWriter::EmbeddingStoreWriter(std::string path, int64_t rows, int64_t dim, RowFormat format)
    : path_(std::move(path)), header_{}, hash_(XXH3_createState(), [](XXH3_state_t* state) { XXH3_freeState(state); }) {
  require(rows <= kMostRows, "[serve] wanted at most ", kMostRows, " rows of ", path_, ", got ", rows);
  std::ranges::copy(kMagic, header_.magic);
  header_.format = static_cast<uint32_t>(format);
  header_.rows = rows;
  header_.dim = dim;
  header_.record_bytes = record_bytes_of(format, dim);
  header_.slots = slots_of(rows);
  header_.file_bytes = int64_t{sizeof(StoreHeader)} + rows * header_.record_bytes + 4 * header_.slots;
  slots_.resize(header_.slots);
  tags_.resize(slots_.size());
  XXH3_64bits_reset(hash_.get());
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  require<DataError>(file_ >= 0, "[serve] cannot create ", path_, ": ", std::strerror(errno),
                     file_advice(errno, path_));
  write(&header_, sizeof(StoreHeader));  // reserves its place
}

EmbeddingStoreWriter::~EmbeddingStoreWriter() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(path_.c_str());
}

void EmbeddingStoreWriter::fail(int error) const {
  throw DataError(str("[serve] cannot write ", path_, ", ", header_.file_bytes, " bytes: ", std::strerror(error),
                      file_advice(error, path_)));
}

void EmbeddingStoreWriter::write(const void* data, size_t bytes) {
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::write(file_, next, std::min(bytes, size_t{1} << 30));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail(errno);
    next += done;
    bytes -= done;
  }
}

// `rows`: number of rows added in all.
void EmbeddingStoreWriter::flush(int64_t rows) {
  XXH3_64bits_update(hash_.get(), records_.data(), records_.size());
  write(records_.data(), records_.size());
  flushed_ = rows;
  records_.clear();
}

int64_t EmbeddingStoreWriter::key_of(int64_t row) const {
  int64_t key = 0;
  if (row >= flushed_) {
    std::memcpy(&key, records_.data() + (row - flushed_) * header_.record_bytes, 8);
  } else if (::pread(file_, &key, 8, int64_t{sizeof(StoreHeader)} + row * header_.record_bytes) != 8) {
    fail(errno);
  }
  return key;
}

void EmbeddingStoreWriter::add(std::span<const int64_t> keys, std::span<const float> values) {
  constexpr size_t kFlushBytes = size_t{1} << 20;
  const auto count = std::ssize(keys);
  require<DataError>(added_ + count <= header_.rows, "[serve] ", path_, ": wanted ", header_.rows, " rows, got more");
  const uint64_t mask = header_.slots - 1;
  for (int64_t i = 0; i < count; ++i, ++added_) {
    const int64_t key = keys[i];
    const uint64_t hash = mix64(key);
    const auto tag = static_cast<uint8_t>(hash >> 56);
    uint64_t at = hash & mask;
    for (; slots_[at] != 0; at = (at + 1) & mask)
      require<DataError>(tags_[at] != tag || key_of(int64_t{slots_[at]} - 1) != key, "[serve] ", path_, ": key ", key,
                         " comes twice; the model's files are of different runs");
    slots_[at] = static_cast<uint32_t>(added_ + 1);
    tags_[at] = tag;
    records_.resize(records_.size() + header_.record_bytes);
    char* const record = records_.data() + records_.size() - header_.record_bytes;
    std::memcpy(record, &key, 8);
    const std::span<const float> row = values.subspan(i * header_.dim, header_.dim);
    require<DataError>(std::ranges::all_of(row, [](float x) { return std::isfinite(x); }), "[serve] ", path_,
                       ": the row of key ", key, " has values that are not finite; export another model");
    write_values(static_cast<RowFormat>(header_.format), row.data(), header_.dim, record + 8);
    if (records_.size() >= kFlushBytes) flush(added_ + 1);
  }
}

void EmbeddingStoreWriter::finish() {
  require<DataError>(added_ == header_.rows, "[serve] ", path_, ": wanted ", header_.rows, " rows, got ", added_);
  flush(added_);
  XXH3_64bits_update(hash_.get(), slots_.data(), 4 * slots_.size());
  write(slots_.data(), 4 * slots_.size());
  header_.content_hash = XXH3_64bits_digest(hash_.get());
  header_.slots_hash = XXH3_64bits(slots_.data(), 4 * slots_.size());
  header_.header_hash = hash_of(header_);
  if (::pwrite(file_, &header_, sizeof(StoreHeader), 0) != sizeof(StoreHeader) || ::fsync(file_) != 0) fail(errno);
  ::close(file_);
  file_ = -1;
}

EmbeddingStore::EmbeddingStore(const std::string& path, std::unique_ptr<EmbeddingStore> base)
    : path_(path), file_(path), base_(std::move(base)) {
  const std::span<const char> bytes = file_.bytes();
  require<DataError>(bytes.size() >= sizeof(StoreHeader), "[serve] ", path_, " has ", bytes.size(),
                     " bytes, fewer than a header; export it again");
  std::memcpy(&header_, bytes.data(), sizeof(StoreHeader));
  const StoreHeader& h = header_;
  require<DataError>(std::ranges::equal(h.magic, kMagic), "[serve] ", path_,
                     " is not an embedding store of this version; export it again");
  const bool sound = h.header_hash == hash_of(h) && h.format <= 2 && h.rows >= 0 && h.rows <= kMostRows && h.dim > 0 &&
                     h.dim < (1 << 24) && h.slots == slots_of(h.rows) &&
                     h.record_bytes == record_bytes_of(static_cast<RowFormat>(h.format), h.dim);
  require<DataError>(sound, "[serve] ", path_, ": the header is damaged; export it again");
  const int64_t wanted = int64_t{sizeof(StoreHeader)} + h.rows * h.record_bytes + 4 * h.slots;
  require<DataError>(h.file_bytes == wanted && std::ssize(bytes) == wanted, "[serve] ", path_, ": wanted ", wanted,
                     " bytes, got ", bytes.size(), "; it was copied in part, copy it again");
  records_ = bytes.data() + sizeof(StoreHeader);
  slots_ = reinterpret_cast<const uint32_t*>(records_ + h.rows * h.record_bytes);
  const bool indexed = h.slots_hash == 0 || XXH3_64bits(slots_, 4 * h.slots) == h.slots_hash;
  require<DataError>(indexed, "[serve] ", path_,
                     ": the index of its rows is not what was written; copy it again, or export again");
  require<DataError>(base_ == nullptr || (base_->dim() == dim() && base_->format() == format()), "[serve] ", path_,
                     ": wanted rows of the dim and format of its base version; export the model again");
}

int64_t EmbeddingStore::key(int64_t row) const {
  int64_t key;
  std::memcpy(&key, record(row), 8);
  return key;
}

int64_t EmbeddingStore::find(int64_t key) const {
  const int64_t row = find_here(key);
  if (row >= 0 || base_ == nullptr) return row;
  const int64_t below = base_->find(key);
  return below < 0 ? below : header_.rows + below;
}

int64_t EmbeddingStore::find_here(int64_t key) const {
  const uint64_t mask = header_.slots - 1;
  uint64_t at = mix64(key) & mask;
  // A damaged file may have no free slot, or slots with impossible row indices.
  for (int64_t seen = 0; seen < header_.slots; ++seen, at = (at + 1) & mask) {
    const int64_t row = int64_t{slots_[at]} - 1;
    if (row < 0 || row >= header_.rows) return -1;
    if (this->key(row) == key) return row;
  }
  return -1;
}

void EmbeddingStore::prefetch(int64_t key) const {
  __builtin_prefetch(slots_ + (mix64(key) & static_cast<uint64_t>(header_.slots - 1)));
  if (base_ != nullptr) base_->prefetch(key);
}

bool EmbeddingStore::is(int64_t row, const float* values) const {
  const int64_t bytes = value_bytes(format()) * header_.dim + (format() == RowFormat::kInt8 ? 4 : 0);
  constexpr int64_t kFew = 1024;
  std::array<char, kFew> few;
  std::vector<char> many(bytes > kFew ? bytes : 0);
  char* const encoded = many.empty() ? few.data() : many.data();
  write_values(format(), values, header_.dim, encoded);
  return std::memcmp(record(row) + 8, encoded, bytes) == 0;
}

void EmbeddingStore::read(int64_t row, float* values) const {
  const char* from = record(row) + 8;
  const int64_t dim = header_.dim;
  if (format() == RowFormat::kFloat32) {
    std::memcpy(values, from, 4 * dim);
  } else if (format() == RowFormat::kBfloat16) {
    for (int64_t i = 0; i < dim; ++i) {
      uint16_t x;
      std::memcpy(&x, from + 2 * i, 2);
      values[i] = std::bit_cast<float>(uint32_t{x} << 16);
    }
  } else {
    float scale;
    std::memcpy(&scale, from, 4);
    for (int64_t i = 0; i < dim; ++i) values[i] = scale * static_cast<float>(static_cast<signed char>(from[4 + i]));
  }
}

bool EmbeddingStore::index_is_hashed() const {
  return header_.slots_hash != 0 && (base_ == nullptr || base_->index_is_hashed());
}

void EmbeddingStore::verify() const {
  const std::span<const char> content = file_.bytes().subspan(sizeof(StoreHeader));
  require<DataError>(XXH3_64bits(content.data(), content.size()) == header_.content_hash, "[serve] ", path_,
                     " is not what was written: its checksum differs; copy it again, or export again");
}

}  // namespace polyscene::core
