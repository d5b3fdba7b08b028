#include <xxhash.h>

#include <cstddef>
#include <cstring>

#include "core/serve/embedding_store.h"
#include "ops/base/error.h"
#include "ops/base/philox.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/target.h"

namespace polyscene::testing {
namespace {

constexpr int64_t kDim = 6;
// With fp32 rows the file then fills a page to its last byte, and nothing is mapped behind it.
constexpr int64_t kRows = 92;

class RowsTarget : public FuzzTarget {
 public:
  explicit RowsTarget(const std::string& folder) : path_(folder + "/t.rows"), base_(folder + "/base.rows") {
    write(base_, kRows, core::RowFormat::kFloat32);
  }

  [[nodiscard]] std::vector<std::string> seeds() const override {
    std::vector<std::string> seeds;
    for (const core::RowFormat format : {core::RowFormat::kFloat32, core::RowFormat::kBfloat16, core::RowFormat::kInt8})
      for (const int64_t rows : {kRows, int64_t{3}, int64_t{0}}) {
        write(path_, rows, format);
        seeds.push_back(read_file(path_));
      }
    return seeds;
  }

  void read(const std::string& bytes) override {
    write_file(path_, bytes);
    const core::EmbeddingStore alone(path_);
    read_rows(alone, alone.rows());
    if (alone.dim() == kDim && alone.format() == core::RowFormat::kFloat32) {
      const core::EmbeddingStore over(path_, std::make_unique<core::EmbeddingStore>(base_));
      read_rows(over, over.rows() + kRows);
      const core::EmbeddingStore below(base_, std::make_unique<core::EmbeddingStore>(path_));
      read_rows(below, kRows + alone.rows());
    }
    alone.verify();
  }

  void repair(std::string& bytes) const override {
    if (bytes.size() < sizeof(core::StoreHeader)) return;
    const uint64_t content =
        XXH3_64bits(bytes.data() + sizeof(core::StoreHeader), bytes.size() - sizeof(core::StoreHeader));
    std::memcpy(bytes.data() + offsetof(core::StoreHeader, content_hash), &content, sizeof(content));
    const uint64_t header = XXH3_64bits(bytes.data(), offsetof(core::StoreHeader, header_hash));
    std::memcpy(bytes.data() + offsetof(core::StoreHeader, header_hash), &header, sizeof(header));
  }

 private:
  static void write(const std::string& path, int64_t rows, core::RowFormat format) {
    core::EmbeddingStoreWriter writer(path, rows, kDim, format);
    PhiloxStream random(1);
    std::vector<float> values(kDim);
    for (int64_t key = 0; key < rows; ++key) {
      for (float& x : values) x = static_cast<float>(random.next_normal());
      writer.add(std::span(&key, 1), values);
    }
    writer.finish();
  }

  static void read_rows(const core::EmbeddingStore& store, int64_t rows) {
    std::vector<float> values(rows > 0 ? static_cast<size_t>(store.dim()) : 0);
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t key = store.key(row);
      store.prefetch(key);
      for (const int64_t sought : {key, ~key, row}) {
        const int64_t found = store.find(sought);
        if (found >= rows || (found >= 0 && store.key(found) != sought))
          throw std::logic_error("a key was found where it is not");
      }
      store.read(row, values.data());
      static_cast<void>(store.is(row, values.data()));
    }
  }

  std::string path_, base_;
};

}  // namespace

std::unique_ptr<FuzzTarget> make_rows_target(const std::string& folder) { return std::make_unique<RowsTarget>(folder); }

}  // namespace polyscene::testing
