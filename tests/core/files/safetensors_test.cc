#include "core/files/safetensors.h"

#include <sys/resource.h>

#include <csignal>

#include "ops/base/error.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

using SafetensorsTest = testing::FolderTest;
namespace fs = std::filesystem;

template <class T>
std::vector<T> values(const TensorView& t) {
  const auto elements = t.elements<const T>();
  return {elements.begin(), elements.end()};
}

TEST_F(SafetensorsTest, RoundTripOfEveryTypeAndRank) {
  const Tensor f = Tensor::of<float>({2, 3}, {1, -2, 3.5f, 0, 1e-30f, 1e30f});
  const Tensor d = Tensor::of<double>({}, {0.1});
  const Tensor i = Tensor::of<int32_t>({3}, {-1, 0, 7});
  const Tensor l = Tensor::of<int64_t>({1, 1, 1, 2}, {INT64_MIN, INT64_MAX});
  const Tensor none(DType::kFloat32, {0, 5});
  write_safetensors(
      path("m"), {{"w", f.view()}, {"scalar", d.view()}, {"ids", i.view()}, {"keys", l.view()}, {"empty", none.view()}},
      {{"format", "polyscene"}, {"note", "a \"quote\" and ü"}});

  const SafetensorsFile file(path("m"));
  EXPECT_EQ(file.names(), (std::vector<std::string>{"empty", "ids", "keys", "scalar", "w"}));
  EXPECT_EQ(file.metadata(),
            (std::map<std::string, std::string>{{"format", "polyscene"}, {"note", "a \"quote\" and ü"}}));
  EXPECT_TRUE(file.contains("w"));
  EXPECT_FALSE(file.contains("v"));
  EXPECT_EQ(file.tensor("w").shape, (Shape{2, 3}));
  EXPECT_EQ(values<float>(file.tensor("w")), values<float>(f.view()));
  EXPECT_EQ(file.tensor("scalar").shape, Shape{});
  EXPECT_EQ(values<double>(file.tensor("scalar")), std::vector<double>{0.1});
  EXPECT_EQ(values<int32_t>(file.tensor("ids")), (std::vector<int32_t>{-1, 0, 7}));
  EXPECT_EQ(values<int64_t>(file.tensor("keys")), (std::vector<int64_t>{INT64_MIN, INT64_MAX}));
  EXPECT_EQ(file.tensor("empty").shape, (Shape{0, 5}));
}

// Keys lie before values because they are wider; the header is in the order of names.
TEST_F(SafetensorsTest, BytesOfASmallFile) {
  const Tensor v = Tensor::of<float>({1}, {1.0f});
  const Tensor k = Tensor::of<int64_t>({1}, {2});
  write_safetensors(path("m"), {{"a", v.view()}, {"k", k.view()}});
  const std::string header =
      R"({"a":{"data_offsets":[8,12],"dtype":"F32","shape":[1]},"k":{"data_offsets":[0,8],"dtype":"I64","shape":[1]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  const char length = static_cast<char>(header.size() + padding.size());
  const std::string length_bytes = {length, 0, 0, 0, 0, 0, 0, 0}, two = {2, 0, 0, 0, 0, 0, 0, 0};
  const std::string one = {0, 0, static_cast<char>(0x80), 0x3f};
  EXPECT_EQ(read("m"), length_bytes + header + padding + two + one);
}

TEST_F(SafetensorsTest, NoTensorsAtAll) {
  write_safetensors(path("m"), {});
  EXPECT_TRUE(SafetensorsFile(path("m")).names().empty());
  EXPECT_EQ(read("m").size(), 16u);
}

TEST_F(SafetensorsTest, AMovedFileKeepsItsViews) {
  const Tensor v = Tensor::of<float>({1}, {1.0f});
  write_safetensors(path("m"), {{"a", v.view()}});
  SafetensorsFile first(path("m"));
  const TensorView view = first.tensor("a");
  const SafetensorsFile second = std::move(first);
  EXPECT_EQ(values<float>(view), std::vector<float>{1.0f});
}

TEST_F(SafetensorsTest, ReplacesAFileAndLeavesNothingAside) {
  const Tensor v = Tensor::of<float>({1}, {1.0f});
  write("m", "old");
  write_safetensors(path("m"), {{"a", v.view()}});
  EXPECT_TRUE(SafetensorsFile(path("m")).contains("a"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(SafetensorsTest, RefusesNames) {
  const Tensor v = Tensor::of<float>({1}, {1.0f});
  const auto error = [&](const std::vector<NamedTensor>& tensors) {
    return error_of<InvalidArgument>([&] { write_safetensors(path("m"), tensors); });
  };
  EXPECT_EQ(error({{"a", v.view()}, {"a", v.view()}}), "[files] m: two tensors are named \"a\"");
  EXPECT_EQ(error({{"", v.view()}}), "[files] m: wanted a name that is neither empty nor __metadata__, got \"\"");
  EXPECT_EQ(error({{"__metadata__", v.view()}}),
            "[files] m: wanted a name that is neither empty nor __metadata__, got \"__metadata__\"");
  EXPECT_EQ(error({{"\xff", v.view()}}), "[files] m: wanted names and metadata in UTF-8, got other bytes");
  EXPECT_FALSE(fs::exists(path("m")));
}

TEST_F(SafetensorsTest, MissingFolder) {
  EXPECT_EQ(error_of<DataError>([&] { write_safetensors(path("no/m"), {}); }),
            "[files] cannot create no/m: No such file or directory; wanted 16 bytes, wrote 0; there is no folder no: "
            "make it first, or choose another place");
}

// A limit on the file's size fails the write half way, as a full disk does.
TEST_F(SafetensorsTest, AFailedWriteKeepsTheOldFileAndSaysHowMuchWasWanted) {
  const Tensor v(DType::kFloat32, {1000});
  write("m", "old");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1024, before.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string error = error_of<DataError>([&] { write_safetensors(path("m"), {{"a", v.view()}}); });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(
      error,
      "[files] cannot write m: File too large; wanted 4072 bytes, wrote 1024; files of this size are forbidden here: "
      "raise ulimit -f or choose another place");
  EXPECT_EQ(read("m"), "old");
  EXPECT_FALSE(fs::exists(path("m.partial")));
}

TEST_F(SafetensorsTest, UnknownTensorNamesTheNearest) {
  const Tensor v = Tensor::of<float>({1}, {1.0f});
  write_safetensors(path("m"), {{"head.0.weight", v.view()}, {"head.0.bias", v.view()}});
  const SafetensorsFile file(path("m"));
  EXPECT_EQ(error_of<DataError>([&] { (void)file.tensor("head.0.weigth"); }),
            "[files] m holds no tensor \"head.0.weigth\"; did you mean \"head.0.weight\"?");
  EXPECT_EQ(error_of<DataError>([&] { (void)file.tensor("xyz"); }),
            "[files] m holds no tensor \"xyz\"; there are head.0.bias, head.0.weight");
}

}  // namespace
}  // namespace polyscene::core
