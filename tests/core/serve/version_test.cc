// Versions that are there whole and as they were exported, and those that are not.
#include <sys/stat.h>

#include <cmath>

#include "core/files/atomic_file.h"
#include "core/files/sealed_text.h"
#include "core/serve/export_json.h"
#include "tests/core/serve/served_folder.h"
#include "tests/support/flip_bits.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

namespace fs = std::filesystem;

class VersionTest : public testing::FolderTest {
 protected:
  void SetUp() override {
    testing::FolderTest::SetUp();
    write_whole("1");
  }

  // With a description of its files.
  void write_whole(const std::string& version) const {
    testing::write_version(path(version), 1);
    std::string files;
    for (const auto& entry : fs::recursive_directory_iterator(path(version))) {
      const std::string name = entry.path().lexically_relative(path(version)).string();
      if (!entry.is_regular_file() || name == "export.json") continue;
      const FileHash hash = hash_file(entry.path().string());
      files += str(files.empty() ? "" : ", ", "\"", name, "\": {\"bytes\": ", hash.bytes, ", \"xxh3\": \"",
                   hash_digits(hash.xxh3), "\"}");
    }
    write(version + "/export.json", sealed(kJsonSeal, described(files)));
  }
  static std::string described(const std::string& files, const std::string& more = "") {
    return "  \"format\": 1,\n  \"model\": \"served\",\n  \"rows\": \"fp32\",\n" + more + "  \"files\": {" + files +
           "}\n}\n";
  }
  [[nodiscard]] std::string error_of_open(const std::string& version = "1") const {
    return error_of<DataError>([&] { const ServedModel model(path(version)); });
  }
  [[nodiscard]] std::string error_of_text(const std::string& text) const {
    write("1/export.json", text);
    return error_of<DataError>([&] { static_cast<void>(read_export(path("1"))); });
  }
  [[nodiscard]] std::string error_of_verify() const {
    const ServedModel model(path("1"));
    return error_of<DataError>([&] { model.verify(); });
  }
  void flip(const std::string& name, size_t from_end) const {
    std::string bytes = read(name);
    bytes[bytes.size() - from_end] = static_cast<char>(bytes[bytes.size() - from_end] ^ 64);
    write(name, bytes);
  }
  [[nodiscard]] std::string newest() const { return fs::path(find_version(folder_.string())).filename(); }
};

TEST_F(VersionTest, TheNewestThatIsWholeIsOpened) {
  write_whole("2");
  EXPECT_EQ(newest(), "2");
  // Copies that are under way, and other spellings of a number.
  fs::create_directory(path("3"));
  for (const char* name : {"007", "+8", "0x9", "9 ", "1e3", "99999999999999999999"}) {
    fs::create_directory(path(name));
    fs::copy(path("1"), path(name), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  }
  fs::copy(path("1"), path("4"), fs::copy_options::recursive);
  fs::remove(path("4/tables/item.rows"));
  fs::copy(path("1"), path("5"), fs::copy_options::recursive);
  fs::resize_file(path("5/dense.safetensors"), 100);
  write("6", "a file");
  EXPECT_EQ(newest(), "2");
  EXPECT_EQ(latest_whole_version(folder_.string()), 2);
  EXPECT_EQ(latest_version(folder_.string()), 6);
  fs::copy(path("1/dense.safetensors"), path("5/dense.safetensors"), fs::copy_options::overwrite_existing);
  EXPECT_EQ(newest(), "5");
}

TEST_F(VersionTest, WhereNoneIsWholeTheNewestIsSpokenOf) {
  fs::rename(path("1/dense.safetensors"), path("away"));
  const std::string said =
      "[serve] wanted 1/dense.safetensors, which export.json lists: No such file or directory; the folder was copied "
      "in "
      "part, copy it again";
  EXPECT_EQ(error_of<DataError>([&] { static_cast<void>(newest()); }), said);
  EXPECT_EQ(error_of_open(), said);
  fs::create_directory(path("2"));
  EXPECT_EQ(error_of<DataError>([&] { static_cast<void>(newest()); }),
            "[serve] wanted an exported model in 2, there is no export.json; export it again");
}

TEST_F(VersionTest, EveryBitOfTheDescriptionCounts) {
  EXPECT_TRUE(read_export(path("1")).hashed);
  const std::string text = read("1/export.json");
  testing::with_each_bit_flipped(path("1/export.json"), [&](size_t bit) {
    EXPECT_NE(error_of<DataError>([&] { static_cast<void>(read_export(path("1"))); }), "no error") << bit;
  });
  for (size_t bytes = 0; bytes < text.size(); ++bytes) ASSERT_NE(error_of_text(text.substr(0, bytes)), "no error");
  std::string flipped = text;
  flipped[text.find("served")] = 't';
  EXPECT_EQ(error_of_text(flipped),
            "[serve] 1/export.json does not have the hash on its first line; copy it again, or export again");
}

TEST_F(VersionTest, ADescriptionSaysWhatIsKnownAlone) {
  const auto error_of_described = [&](const std::string& files, const std::string& more) {
    return error_of_text(sealed(kJsonSeal, described(files, more)));
  };
  EXPECT_EQ(error_of_described("", ""), "no error");
  EXPECT_EQ(error_of_described("", "\"steps\": 3,\n"),
            "[serve] 1/export.json has fields that this program does not know; use the program that exported it");
  EXPECT_EQ(error_of_described("", "\"checked\": {\"rows\": 3, \"auc\": 1},\n"),
            "[serve] 1/export.json has fields that this program does not know; use the program that exported it");
  for (const std::string base :
       {R"({"version": 0, "xxh3": "0123456789abcdef"})", R"({"version": -1, "xxh3": "0123456789abcdef"})",
        R"({"version": 1, "xxh3": "0123"})", R"({"version": 1})", "3",
        R"({"version": 18446744073709551615, "xxh3": "0123456789abcdef"})"})
    EXPECT_EQ(error_of_described("", "\"base\": " + base + ",\n"),
              "[serve] 1/export.json does not name its base version; export it again");
  for (const std::string file :
       {R"({"bytes": -1, "xxh3": "0123456789abcdef"})", R"({"bytes": 1.5, "xxh3": "0123456789abcdef"})",
        R"({"bytes": 1, "xxh3": "0123456789ABCDEF"})", R"({"bytes": 1})", "1",
        R"({"bytes": 1, "xxh3": "0123456789abcdef", "more": 1})"})
    EXPECT_EQ(error_of_described("\"dense.safetensors\": " + file, ""),
              "[serve] 1/export.json: file \"dense.safetensors\" is not described as one below its folder");
}

TEST_F(VersionTest, ThatAnEarlierProgramExportedIsReadWithAWord) {
  {
    const ServedModel model(path("1"));
    EXPECT_EQ(model.without_hash(), "");
  }
  std::string text = read("1/export.json");
  text.replace(0, text.find("  \"format\""), "{\n");
  write("1/export.json", text);
  const ServedModel model(path("1"));
  EXPECT_EQ(model.without_hash(), path("1") +
                                      ": an earlier version of Polyscene exported it without a hash of export.json; "
                                      "damage there is not detected when it is opened");
}

TEST_F(VersionTest, OpeningReadsDenseParametersAndTheConfiguration) {
  for (const std::string name : {"dense.safetensors", "config.pbtxt"}) {
    flip("1/" + name, 3);
    EXPECT_EQ(error_of_open(),
              "[serve] 1/" + name + " is not what was exported: its checksum differs; copy it again, or export again");
    flip("1/" + name, 3);
  }
}

TEST_F(VersionTest, AConfigurationThatWasCutIsDamageNotItsWritersFault) {
  const std::string text = read("1/config.pbtxt");
  for (const size_t bytes : {size_t{0}, text.size() / 2}) {
    write("1/config.pbtxt", text.substr(0, bytes));
    EXPECT_EQ(error_of_open(), "[serve] 1/config.pbtxt" + str(": wanted ", text.size(), " bytes, got ", bytes,
                                                              "; it was copied in part, copy it again"));
  }
}

TEST_F(VersionTest, OpeningReadsTheIndexesAndVerifyTheRows) {
  flip("1/tables/item.rows", 3);
  EXPECT_EQ(
      error_of_open(),
      "[serve] 1/tables/item.rows: the index of its rows is not what was written; copy it again, or export again");
  flip("1/tables/item.rows", 3);
  EXPECT_EQ(error_of_verify(), "no error");
  const size_t row = read("1/tables/item.rows").size() - 300;
  flip("1/tables/item.rows", row);
  EXPECT_EQ(error_of_open(), "no error");
  EXPECT_EQ(error_of_verify(),
            "[serve] 1/tables/item.rows is not what was exported: its checksum differs; copy it again, "
            "or export again");
}

TEST_F(VersionTest, NumbersThatAreNoneAreNotScoredWith) {
  for (const float none : {NAN, -INFINITY}) {
    std::string name;
    {
      SafetensorsFile file(path("1/dense.safetensors"));
      name = file.names()[2];
      std::vector<Tensor> copies;
      std::vector<NamedTensor> all;
      for (const std::string& each : file.names()) {
        const TensorView view = file.tensor(each);
        Tensor& copy = copies.emplace_back(view.dtype, view.shape);
        std::ranges::copy(view.elements<const float>(), copy.elements<float>().begin());
        if (each == name) copy.elements<float>()[0] = none;
      }
      for (size_t i = 0; i < copies.size(); ++i) all.push_back({file.names()[i], copies[i].view()});
      write_safetensors(path("changed"), all);
    }
    fs::rename(path("changed"), path("1/dense.safetensors"));
    write("1/export.json", sealed(kJsonSeal, described("")));
    EXPECT_EQ(error_of_open(), "[serve] 1/dense.safetensors: tensor \"" + name +
                                   "\" has values that are not finite and cannot score; export another model");
  }
}

// A pipe would be waited for.
TEST_F(VersionTest, WhatIsNoFileIsRefusedAtOnce) {
  for (const char* name : {"dense.safetensors", "config.pbtxt", "tables/item.rows", "export.json"}) {
    const std::string file = path(std::string("1/") + name);
    fs::rename(file, path("away"));
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    EXPECT_NE(error_of_open(), "no error") << name;
    fs::remove(file);
    fs::rename(path("away"), file);
  }
  EXPECT_EQ(error_of_open(), "no error");
}

}  // namespace
}  // namespace polyscene::core
