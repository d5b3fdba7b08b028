// A table's rows as one file that is mapped into memory and read where it lies: opening reads the slots, processes
// share it, and a table may be larger than memory.
//
//   header    128 bytes: StoreHeader
//   records   [rows]: key int64, int8 rows: scale float32, values [dim]; filled up to a multiple of 8 bytes
//   slots     [slots] uint32, a power of two at least 1.5 times the rows: 1 + the number of a record, 0 for none; that
//             of a key is the first free one from mix64(key) on
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

namespace polyscene {

enum class RowFormat : uint32_t { kFloat32 = 0, kBfloat16 = 1, kInt8 = 2 };

// "fp32", "bf16", "int8".
[[nodiscard]] const char* row_format_name(RowFormat format);
// Throws InvalidArgument listing the names.
[[nodiscard]] RowFormat parse_row_format(const std::string& name);

struct StoreHeader {
  char magic[8];  // "PSROWS1\n"
  uint32_t format, reserved;
  int64_t rows, dim;
  int64_t record_bytes, slots;
  int64_t file_bytes;
  uint64_t content_hash;  // XXH3 64 of all behind the header
  uint64_t slots_hash;    // of the slots; 0: an earlier program wrote the file
  uint64_t unused[6];
  uint64_t header_hash;  // of the bytes before it
};
static_assert(sizeof(StoreHeader) == 128);

// Writes rows as they come, one after the other: in memory are the slots and a byte beside each, not the rows.
class EmbeddingStoreWriter {
 public:
  // `rows` are to come. bf16 rounds to nearest, int8 to 1/127 of the row's largest value. Throws DataError naming the
  // file and the bytes it wants, InvalidArgument on more than 2^32 - 2 rows.
  EmbeddingStoreWriter(std::string path, int64_t rows, int64_t dim, RowFormat format);
  // Removes what was not finished.
  ~EmbeddingStoreWriter();
  EmbeddingStoreWriter(const EmbeddingStoreWriter&) = delete;
  EmbeddingStoreWriter& operator=(const EmbeddingStoreWriter&) = delete;

  // keys [n], values [n, dim]. Throws DataError on a key that came before, values that are not finite, more rows than
  // were to come, and when they cannot be written.
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
  std::unique_ptr<XXH3_state_s, void (*)(XXH3_state_s*)> hash_;  // of what is behind the header
  int64_t added_ = 0, flushed_ = 0;
  int file_ = -1;
  std::vector<char> records_;    // that are not written yet
  std::vector<uint32_t> slots_;  // of the file
  std::vector<uint8_t> tags_;    // the first byte of the hash of a slot's key: another key's record is rarely read
};

// Threads may read one at the same time.
class EmbeddingStore {
 public:
  // Checks the header against itself and the file's size, and the slots, which it reads, against their hash; verify()
  // also the rest. Throws DataError naming the file.
  // With a base, whose keys and rows count as this one's where it has not got them; they are numbered behind its own.
  explicit EmbeddingStore(const std::string& path, std::unique_ptr<EmbeddingStore> base = nullptr);

  // Of the file.
  [[nodiscard]] int64_t rows() const { return header_.rows; }
  [[nodiscard]] int64_t dim() const { return header_.dim; }
  [[nodiscard]] RowFormat format() const { return static_cast<RowFormat>(header_.format); }

  [[nodiscard]] int64_t key(int64_t row) const;
  // The number of the key's row, or -1.
  [[nodiscard]] int64_t find(int64_t key) const;
  // values [dim].
  void read(int64_t row, float* values) const;
  // Whether the row's values are those that the format makes of `values` [dim].
  [[nodiscard]] bool is(int64_t row, const float* values) const;
  void prefetch(int64_t key) const;
  // Whether the slots had a hash to be checked with, those of the base too.
  [[nodiscard]] bool index_is_hashed() const;
  // Reads all of the file. Throws DataError when it is not what was written.
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

}  // namespace polyscene
