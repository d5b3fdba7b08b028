// The rows of a table in one memory-mapped file. Opening reads only the slots, processes share the file, and a table
// may be larger than memory.
//
//   header    128 bytes: StoreHeader
//   records   [rows]: key int64, with int8 rows a scale float32, values [dim]; padded to a multiple of 8 bytes
//   slots     [slots] uint32, an open-addressing hash table: 1 + the index of a record, 0 for an empty slot. A key is
//             in the first slot from mix64(key) on that was free. The number of slots is a power of two, at least 1.5
//             times the rows
//
// All numbers are little-endian.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/files/mapped_file.h"

struct XXH3_state_s;

namespace polyscene::core {

enum class RowFormat : uint32_t { kFloat32 = 0, kBfloat16 = 1, kInt8 = 2 };

// Name of a format: "fp32", "bf16", "int8".
[[nodiscard]] const char* row_format_name(RowFormat format);
// The format of a name. Throws InvalidArgument listing the names.
[[nodiscard]] RowFormat parse_row_format(const std::string& name);

struct StoreHeader {
  char magic[8];  // "PSROWS1\n"
  uint32_t format, reserved;
  int64_t rows, dim;
  int64_t record_bytes, slots;
  int64_t file_bytes;
  uint64_t content_hash;  // XXH3 64 of all that follows the header
  uint64_t slots_hash;    // XXH3 64 of the slots; 0: an earlier version wrote the file
  uint64_t unused[6];
  uint64_t header_hash;  // XXH3 64 of the bytes before this field
};
static_assert(sizeof(StoreHeader) == 128);

// Writes rows one after the other. It holds in memory the slots and one byte for each slot, not the rows.
class EmbeddingStoreWriter {
 public:
  // `rows`: number of rows that add() will get in all. bf16 rounds to nearest, int8 to multiples of 1/127 of the row's
  // largest absolute value. Throws DataError naming the file and its size, and InvalidArgument on more than 2^32 - 2
  // rows.
  EmbeddingStoreWriter(std::string path, int64_t rows, int64_t dim, RowFormat format);
  // Removes a file that was not finished.
  ~EmbeddingStoreWriter();
  EmbeddingStoreWriter(const EmbeddingStoreWriter&) = delete;
  EmbeddingStoreWriter& operator=(const EmbeddingStoreWriter&) = delete;

  // keys [n], values [n, dim]. Throws DataError on a repeated key, on values that are not finite, on more rows than
  // announced, and when writing fails.
  void add(std::span<const int64_t> keys, std::span<const float> values);
  // Syncs the file. Throws DataError when rows are missing.
  void finish();

 private:
  [[noreturn]] void fail(int error) const;
  void write(const void* data, size_t bytes);
  void flush(int64_t rows);
  [[nodiscard]] int64_t key_of(int64_t row) const;

  std::string path_;
  StoreHeader header_;
  std::unique_ptr<XXH3_state_s, void (*)(XXH3_state_s*)> hash_;  // of all that follows the header
  int64_t added_ = 0, flushed_ = 0;
  int file_ = -1;
  std::vector<char> records_;    // not written yet
  std::vector<uint32_t> slots_;  // of the whole file
  std::vector<uint8_t> tags_;    // first byte of the hash of each slot's key; avoids reading records of other keys
};

// Several threads may read a store at the same time.
class EmbeddingStore {
 public:
  // Checks the header against its hash and the file's size, and the slots, which it reads, against their hash; verify()
  // checks the rest. Throws DataError naming the file. With `base`, keys that this file does not have are looked up in
  // the base; the indices of its rows follow those of this file.
  explicit EmbeddingStore(const std::string& path, std::unique_ptr<EmbeddingStore> base = nullptr);

  // Rows in this file, without the base.
  [[nodiscard]] int64_t rows() const { return header_.rows; }
  [[nodiscard]] int64_t dim() const { return header_.dim; }
  [[nodiscard]] RowFormat format() const { return static_cast<RowFormat>(header_.format); }

  [[nodiscard]] int64_t key(int64_t row) const;
  // The index of the key's row, or -1.
  [[nodiscard]] int64_t find(int64_t key) const;
  // Reads a row as float32 into values [dim].
  void read(int64_t row, float* values) const;
  // Whether the stored row equals `values` [dim] after conversion to the store's format.
  [[nodiscard]] bool is(int64_t row, const float* values) const;
  void prefetch(int64_t key) const;
  // Whether the slots have a hash, those of the base too.
  [[nodiscard]] bool index_is_hashed() const;
  // Reads the whole file and compares it with its hash. Throws DataError when it is damaged.
  void verify() const;

 private:
  [[nodiscard]] const char* record(int64_t row) const {
    return row < header_.rows ? records_ + row * header_.record_bytes : base_->record(row - header_.rows);
  }
  [[nodiscard]] int64_t find_here(int64_t key) const;

  std::string path_;
  MappedFile file_;
  StoreHeader header_;
  const char* records_;
  const uint32_t* slots_;
  std::unique_ptr<EmbeddingStore> base_;
};

}  // namespace polyscene::core
