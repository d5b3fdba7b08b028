// Files that are damaged, foreign or made to hurt.
#include <ctime>

#include "core/files/safetensors.h"
#include "core/files/safetensors_header.h"
#include "ops/base/error.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

std::string with_length(uint64_t length, const std::string& rest) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8 * i) & 0xff);
  return bytes + rest;
}

class SafetensorsDamageTest : public testing::FolderTest {
 protected:
  // What opening a file of these bytes says, without the common beginning and end.
  [[nodiscard]] std::string error_of_bytes(const std::string& bytes) const {
    write("m", bytes);
    const std::string error = error_of<DataError>([&] { SafetensorsFile file(path("m")); });
    const std::string prefix = "[files] m: ", suffix = "; the file is damaged or not a safetensors file";
    if (!error.starts_with(prefix) || !error.ends_with(suffix)) return "unexpected: " + error;
    return error.substr(prefix.size(), error.size() - prefix.size() - suffix.size());
  }
  [[nodiscard]] std::string error_of_header(const std::string& header, size_t data_bytes) const {
    return error_of_bytes(with_length(header.size(), header + std::string(data_bytes, 'x')));
  }
};

TEST_F(SafetensorsDamageTest, NoFile) {
  EXPECT_EQ(error_of<DataError>([&] { SafetensorsFile file(path("m")); }),
            "[files] cannot read m: No such file or directory");
  EXPECT_EQ(error_of<DataError>([&] { SafetensorsFile file(folder_.string() + "/"); }),
            "[files] cannot read : wanted a file, got a folder");
}

TEST_F(SafetensorsDamageTest, Length) {
  EXPECT_EQ(error_of_bytes(""), "wanted at least 8 bytes, got 0");
  EXPECT_EQ(error_of_bytes("1234567"), "wanted at least 8 bytes, got 7");
  EXPECT_EQ(error_of_bytes(with_length(3, "{}")), "wanted a header of at most 2 bytes, its length says 3");
  EXPECT_EQ(error_of_bytes(with_length(UINT64_MAX, "{}")),
            "wanted a header of at most 2 bytes, its length says 18446744073709551615");
}

TEST_F(SafetensorsDamageTest, HeaderIsNoObject) {
  for (const char* header : {"", "{", "[]", "3", "{\"a\"", "\xff\xfe", "{} x"})
    EXPECT_EQ(error_of_header(header, 0), "wanted a JSON object as header, got something else") << header;
  EXPECT_EQ(error_of_header(std::string(100000, '['), 0), "wanted a JSON object as header, got something else");
}

TEST_F(SafetensorsDamageTest, HeaderIsDeep) {
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", 4),
            "wanted tensors with type, shape and place as header, got values 4 levels deep");
  const std::string deep = "{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}";
  EXPECT_EQ(error_of_header(deep, 0),
            "wanted tensors with type, shape and place as header, got values 100001 levels deep");
}

// CPU time of reading, not of waiting; in proportion, not in seconds. Sixteen times the tensors took 256 times as long
// when each was looked at again for each one behind it.
TEST_F(SafetensorsDamageTest, TimeGrowsWithTheHeaderAndNotWithItsSquare) {
  const auto cpu_s = [](int tensors) {
    std::string header = "{";
    for (int i = 0; i < tensors; ++i)
      header += str(i == 0 ? "" : ",", "\"t", i, R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})");
    const std::string file = with_length(header.size() + 1, header + "}");
    const std::clock_t start = std::clock();
    EXPECT_EQ(read_safetensors_header("m", file).tensors.size(), static_cast<size_t>(tensors));
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  };
  const double few = cpu_s(5'000), many = cpu_s(80'000);
  EXPECT_LE(many, 80 * few);
}

TEST_F(SafetensorsDamageTest, Metadata) {
  EXPECT_EQ(error_of_header(R"({"__metadata__":3})", 0), "wanted an object as __metadata__, got number");
  EXPECT_EQ(error_of_header(R"({"__metadata__":{"a":3}})", 0), "wanted a string as metadata \"a\", got number");
}

TEST_F(SafetensorsDamageTest, Entries) {
  const auto wanted_members = [](const std::string& got) {
    return "tensor \"a\": wanted dtype, shape and data_offsets, got " + got;
  };
  EXPECT_EQ(error_of_header(R"({"a":3})", 0), wanted_members("3"));
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":"F32"}})", 0), wanted_members(R"({"dtype":"F32"})"));
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":4,"shape":[],"data_offsets":[0,4]}})", 4),
            wanted_members(R"({"data_offsets":[0,4],"dtype":4,"shape":[]})"));
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0]}})", 4),
            "tensor \"a\": wanted two data_offsets, got 1");
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":"F31","shape":[],"data_offsets":[0,4]}})", 4),
            "tensor \"a\": wanted a known dtype, got \"F31\"");
}

TEST_F(SafetensorsDamageTest, NumbersThatAreNotWhole) {
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4),
            "tensor \"a\": wanted a whole number of at least 0, got -1");
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", 4),
            "tensor \"a\": wanted a whole number of at least 0, got 1.5");
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,"4"]}})", 4),
            "tensor \"a\": wanted a whole number of at least 0, got \"4\"");
}

TEST_F(SafetensorsDamageTest, RangesOutsideTheFile) {
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7),
            "tensor \"a\": wanted bytes inside the 7 of data, got 0 to 8");
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4),
            "tensor \"a\": wanted bytes inside the 4 of data, got 4 to 0");
  EXPECT_EQ(error_of_header(
                R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,18446744073709551615]}})", 4),
            "tensor \"a\": wanted bytes inside the 4 of data, got 18446744073709551612 to 18446744073709551615");
}

TEST_F(SafetensorsDamageTest, SizesThatDisagreeWithShapes) {
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4),
            "tensor \"a\": wanted as many bytes as dtype and shape say, got 4");
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}})", 4),
            "tensor \"a\": wanted as many bytes as dtype and shape say, got 4");
}

TEST_F(SafetensorsDamageTest, OverlapsAndGaps) {
  EXPECT_EQ(
      error_of_header(
          R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
          6),
      "tensor \"b\": wanted it to start at byte 4 of the data, where the one before ends, got 2");
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[1,5]}})", 5),
            "tensor \"a\": wanted it to start at byte 0 of the data, where the one before ends, got 1");
  EXPECT_EQ(error_of_header(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 5),
            "wanted tensors to cover the 5 bytes of data, they cover 4");
}

TEST_F(SafetensorsDamageTest, TensorsThatAreRightButNotForUs) {
  const std::string header =
      R"({"bf":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"deep":{"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[4,8]},)"
      R"("wide":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[8,8]}})";
  write("m", with_length(header.size(), header + std::string(8, 'x')));
  const SafetensorsFile file(path("m"));
  const auto error = [&](const char* name) { return error_of<DataError>([&] { (void)file.tensor(name); }); };
  EXPECT_EQ(error("bf"),
            "[files] m: tensor \"bf\" is of type BF16, wanted F32, F64, I32 or I64; convert it to one of them");
  EXPECT_EQ(error("deep"), "[files] m: tensor \"deep\" has rank 5, wanted at most 4");
  EXPECT_EQ(error("wide"),
            "[files] m: tensor \"wide\" has an extent of 18446744073709551615, which no tensor can have");
}

// Other writers need not align data.
TEST_F(SafetensorsDamageTest, UnalignedTensorsAreReadAligned) {
  const std::string header =
      R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"k":{"dtype":"I64","shape":[1],"data_offsets":[1,9]}})";
  write("m", with_length(header.size(), header + "x\5" + std::string(7, '\0')));
  const SafetensorsFile file(path("m"));
  const TensorView k = file.tensor("k");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(k.data) % 8, 0u);
  EXPECT_EQ(k.elements<const int64_t>()[0], 5);
  EXPECT_EQ(file.tensor("k").data, k.data);
}

TEST_F(SafetensorsDamageTest, EveryCutOfAFileIsRefused) {
  const Tensor v = Tensor::of<float>({3}, {1, 2, 3});
  write_safetensors(path("whole"), {{"a", v.view()}, {"b", v.view()}});
  const std::string whole = read("whole");
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(error_of_bytes(whole.substr(0, length)).starts_with("unexpected")) << length;
}

TEST_F(SafetensorsDamageTest, EveryFlippedHeaderBitIsReadOrRefused) {
  const Tensor v = Tensor::of<float>({3}, {1, 2, 3});
  write_safetensors(path("whole"), {{"a", v.view()}, {"b", v.view()}});
  std::string bytes = read("whole");
  int refused = 0;
  for (size_t i = 0; i + 24 < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      refused += error_of<DataError>([&] { (void)read_safetensors_header("m", bytes); }) != "no error";
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
    }
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace polyscene::core
