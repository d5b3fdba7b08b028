#include "core/serve/embedding_store.h"

#include <xxhash.h>

#include <cmath>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>

#include "ops/base/error.h"
#include "ops/base/philox.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

class EmbeddingStoreTest : public testing::FolderTest, public ::testing::WithParamInterface<RowFormat> {
 protected:
  static constexpr int64_t kDim = 6;

  // Keys of all kinds, rows of normal numbers, in several calls.
  void write(int64_t rows, RowFormat format) {
    PhiloxStream random(1);
    for (int64_t i = 0; i < rows; ++i) {
      keys_.push_back(i % 3 == 0 ? -i : static_cast<int64_t>(mix64(static_cast<uint64_t>(i))));
      for (int64_t d = 0; d < kDim; ++d) values_.push_back(static_cast<float>(random.next_normal()));
    }
    EmbeddingStoreWriter writer(path("t.rows"), rows, kDim, format);
    for (int64_t first = 0; first < rows; first += 100) {
      const auto at = static_cast<size_t>(first), count = static_cast<size_t>(std::min<int64_t>(100, rows - first));
      writer.add(std::span(keys_).subspan(at, count), std::span(values_).subspan(at * kDim, count * kDim));
    }
    writer.finish();
  }
  [[nodiscard]] std::string bytes() const {
    std::ifstream in(path("t.rows"), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void set_bytes(const std::string& data) const { std::ofstream(path("t.rows"), std::ios::binary) << data; }
  [[nodiscard]] std::string open_error() const {
    return error_of<DataError>([&] { EmbeddingStore store(path("t.rows")); });
  }

  std::vector<int64_t> keys_;
  std::vector<float> values_;
};

// Rows that changed and a new one, over those of another file.
TEST_P(EmbeddingStoreTest, TakesTheRestFromItsBase) {
  write(50, GetParam());
  const std::vector<int64_t> changed = {keys_[7], 12345};
  const std::vector<float> values(2 * kDim, 0.5f);
  EmbeddingStoreWriter writer(path("d.rows"), 2, kDim, GetParam());
  writer.add(changed, values);
  writer.finish();
  const EmbeddingStore base(path("t.rows"));
  const EmbeddingStore store(path("d.rows"), std::make_unique<EmbeddingStore>(path("t.rows")));
  EXPECT_EQ(store.rows(), 2);
  EXPECT_EQ(store.find(999), -1);
  std::vector<float> row(kDim), wanted(kDim);
  for (size_t i = 0; i < keys_.size(); ++i) {
    const int64_t number = store.find(keys_[i]);
    ASSERT_EQ(number, i == 7 ? 0 : static_cast<int64_t>(i) + 2);
    EXPECT_EQ(store.key(number), keys_[i]);
    store.prefetch(keys_[i]);
    store.read(number, row.data());
    base.read(static_cast<int64_t>(i), wanted.data());
    EXPECT_EQ(store.is(number, values.data()), i == 7);
    if (i != 7) {
      EXPECT_EQ(row, wanted);
      EXPECT_TRUE(store.is(number, values_.data() + i * kDim));
    }
  }
  store.read(store.find(12345), row.data());
  for (const float x : row) EXPECT_NEAR(x, 0.5f, 1e-6);

  EmbeddingStoreWriter narrow(path("n.rows"), 1, kDim - 1, GetParam());
  narrow.add(std::span(changed).first(1), std::span(values).first(kDim - 1));
  narrow.finish();
  EXPECT_EQ(
      error_of<DataError>([&] { EmbeddingStore(path("n.rows"), std::make_unique<EmbeddingStore>(path("t.rows"))); }),
      "[serve] n.rows: wanted rows of the dim and format of its base version; export the model again");
}

TEST_P(EmbeddingStoreTest, GivesBackWhatWasWritten) {
  write(1234, GetParam());
  const EmbeddingStore store(path("t.rows"));
  store.verify();
  EXPECT_EQ(store.rows(), 1234);
  EXPECT_EQ(store.dim(), kDim);
  EXPECT_EQ(store.format(), GetParam());
  std::vector<float> row(kDim);
  for (size_t i = 0; i < keys_.size(); ++i) {
    const int64_t number = store.find(keys_[i]);
    ASSERT_EQ(number, static_cast<int64_t>(i));
    store.read(number, row.data());
    float largest = 0;
    for (size_t d = 0; d < kDim; ++d) largest = std::max(largest, std::abs(values_[i * kDim + d]));
    for (size_t d = 0; d < kDim; ++d) {
      const float want = values_[i * kDim + d];
      const float tolerance = GetParam() == RowFormat::kFloat32    ? 0
                              : GetParam() == RowFormat::kBfloat16 ? std::abs(want) / 256
                                                                   : largest / 254 * 1.001f;
      EXPECT_NEAR(row[d], want, tolerance);
    }
  }
  for (const int64_t unknown : {int64_t{1}, int64_t{-1}, std::numeric_limits<int64_t>::max()})
    EXPECT_EQ(store.find(unknown), -1);
}

INSTANTIATE_TEST_SUITE_P(Formats, EmbeddingStoreTest,
                         ::testing::Values(RowFormat::kFloat32, RowFormat::kBfloat16, RowFormat::kInt8),
                         [](const auto& format) { return row_format_name(format.param); });

class EmbeddingStoreFile : public EmbeddingStoreTest {};

TEST_F(EmbeddingStoreFile, MayHaveNoRows) {
  write(0, RowFormat::kFloat32);
  const EmbeddingStore store(path("t.rows"));
  store.verify();
  EXPECT_EQ(store.find(0), -1);
}

TEST_F(EmbeddingStoreFile, WantsAsManyRowsAsWereToCome) {
  EmbeddingStoreWriter writer(path("t.rows"), 2, 1, RowFormat::kFloat32);
  const std::vector<int64_t> keys = {4, 5, 6};
  const std::vector<float> values = {1, 2, 3};
  EXPECT_EQ(error_of<DataError>([&] { writer.add(keys, values); }), "[serve] t.rows: wanted 2 rows, got more");
  writer.add(std::span(keys).first(1), std::span(values).first(1));
  EXPECT_EQ(error_of<DataError>([&] { writer.finish(); }), "[serve] t.rows: wanted 2 rows, got 1");
  EXPECT_EQ(error_of<DataError>([&] { writer.add(std::span(keys).first(1), std::span(values).first(1)); }),
            "[serve] t.rows: key 4 comes twice; the model's files are of different runs");
}

TEST_F(EmbeddingStoreFile, CannotBeWritten) {
  EXPECT_EQ(error_of<DataError>([&] { EmbeddingStoreWriter(path("none/t.rows"), 1, 1, RowFormat::kInt8); }),
            "[serve] cannot create none/t.rows: No such file or directory; there is no folder none: make it first, or "
            "choose another place");
  EXPECT_EQ(error_of<InvalidArgument>([&] { EmbeddingStoreWriter(path("t"), int64_t{1} << 33, 1, RowFormat::kInt8); }),
            "[serve] wanted at most 4294967294 rows of t, got 8589934592");
}

TEST_F(EmbeddingStoreFile, IsNotWhatWasWritten) {
  write(50, RowFormat::kFloat32);
  const std::string whole = bytes();
  EXPECT_EQ(open_error(), "no error");
  set_bytes(whole.substr(0, 100));
  EXPECT_EQ(open_error(), "[serve] t.rows has 100 bytes, fewer than a header; export it again");
  set_bytes(whole + "x");
  EXPECT_EQ(open_error(), str("[serve] t.rows: wanted ", whole.size(), " bytes, got ", whole.size() + 1,
                              "; it was copied in part, copy it again"));
  // Every bit of the header and of the index at the end counts, and every one between them to verify().
  const size_t index = whole.size() - 4 * 128;  // slots: a power of two above 1.5 times the rows
  for (size_t at = 0; at < whole.size(); at += at < sizeof(StoreHeader) ? 1 : 37) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 16);
    set_bytes(flipped);
    if (at < sizeof(StoreHeader)) {
      EXPECT_NE(open_error(), "no error") << at;
      continue;
    }
    if (at >= index) {
      EXPECT_EQ(open_error(),
                "[serve] t.rows: the index of its rows is not what was written; copy it again, or export again")
          << at;
      continue;
    }
    const EmbeddingStore store(path("t.rows"));
    for (const int64_t key : keys_) EXPECT_LT(store.find(key), 50);
    EXPECT_EQ(error_of<DataError>([&] { store.verify(); }),
              "[serve] t.rows is not what was written: its checksum differs; copy it again, or export again");
  }
}

// Its header had zeros in the place of the index' hash.
TEST_F(EmbeddingStoreFile, OfAnEarlierProgramIsRead) {
  write(50, RowFormat::kFloat32);
  EXPECT_TRUE(EmbeddingStore(path("t.rows")).index_is_hashed());
  std::string earlier = bytes();
  const uint64_t none = 0;
  std::memcpy(earlier.data() + offsetof(StoreHeader, slots_hash), &none, 8);
  const uint64_t header = XXH3_64bits(earlier.data(), offsetof(StoreHeader, header_hash));
  std::memcpy(earlier.data() + offsetof(StoreHeader, header_hash), &header, 8);
  set_bytes(earlier);
  const EmbeddingStore store(path("t.rows"));
  EXPECT_FALSE(store.index_is_hashed());
  EXPECT_EQ(store.find(keys_[3]), 3);
  store.verify();
}

TEST_F(EmbeddingStoreFile, HasFiniteValues) {
  const std::vector<int64_t> keys = {4, 5};
  for (const float none : {NAN, INFINITY}) {
    EmbeddingStoreWriter writer(path("t.rows"), 2, 2, RowFormat::kInt8);
    EXPECT_EQ(error_of<DataError>([&] {
                writer.add(keys, std::vector<float>{1, 2, 3, none});
              }),
              "[serve] t.rows: the row of key 5 has values that are not finite; export another model");
  }
}

}  // namespace
}  // namespace polyscene::core
