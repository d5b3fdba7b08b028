// What a checkpoint says of itself: any change of it is seen, and numbers and names are those that a run can have.
#include "core/checkpoint/manifest_file.h"

#include <cmath>
#include <limits>

#include "core/files/sealed_text.h"
#include "ops/base/error.h"
#include "tests/support/flip_bits.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::checkpoint {
namespace {

const std::string kAdvice = "; the checkpoint is damaged; resume from another one with --resume FOLDER";

class ManifestFile : public testing::FolderTest {
 protected:
  void SetUp() override {
    testing::FolderTest::SetUp();
    std::filesystem::create_directories(path("step-0000000042/tables"));
    Manifest& m = manifest_;
    m.set_schema(kFull);
    m.set_step(42);
    m.set_trained_steps(40);
    m.set_epoch(1);
    m.set_batches(2);
    m.set_rows_trained(4000);
    m.set_table_updates(40);
    m.set_best(0.75);
    m.set_misses(1);
    m.set_best_step(30);
    m.set_ranks(2);
    m.set_data("1 files, 2 bytes, 3");
    for (const char* name : {"dense.safetensors", "tables/item-00000-of-00001.safetensors"}) {
      File& file = *m.add_file();
      file.set_name(name);
      file.set_bytes(123);
      file.set_xxh3(0x0123456789abcdef);
      file.add_tensor()->set_name("keys");
      file.mutable_tensor(0)->set_xxh3(7);
    }
    m.add_log()->set_name("metrics.jsonl");
    m.mutable_log(0)->set_bytes(10);
    write_manifest(folder(), manifest_);
    text_ = read("step-0000000042/manifest.pbtxt");
  }

  [[nodiscard]] std::string folder() const { return path("step-0000000042"); }
  void set_text(const std::string& text) const { write("step-0000000042/manifest.pbtxt", text); }
  [[nodiscard]] bool is_read_as_written() const {
    try {
      return read_manifest(folder()).SerializeAsString() == manifest_.SerializeAsString();
    } catch (const DataError&) {
      return true;  // refused
    }
  }
  // What reading says of a manifest like this one, without the path in front.
  template <class Change>
  [[nodiscard]] std::string error_of_changed(const Change& change) const {
    Manifest changed = manifest_;
    change(changed);
    write_manifest(folder(), changed);
    std::string text = error_of<DataError>([&] { static_cast<void>(read_manifest(folder())); });
    const std::string prefix = "[checkpoint] step-0000000042/manifest.pbtxt";
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  }
  // Without its first line, which an earlier program did not write.
  [[nodiscard]] std::string earlier() const { return text_.substr(text_.find('\n') + 1); }

  Manifest manifest_;
  std::string text_;
};

TEST_F(ManifestFile, IsReadAsItWasWritten) {
  EXPECT_EQ(read_manifest(folder()).SerializeAsString(), manifest_.SerializeAsString());
  EXPECT_TRUE(manifest_is_hashed(folder()));
}

TEST(CheckpointName, HasOneSpelling) {
  EXPECT_EQ(step_of("run/checkpoints/step-0000000042"), 42);
  EXPECT_EQ(step_of(name_of(12345678901)), 12345678901);
  for (const char* name :
       {"step-42", "step-", "step--000000005", "step-0000000042x", "step-99999999999999999999", "tmp"})
    EXPECT_EQ(step_of(name), std::nullopt) << name;
}

TEST_F(ManifestFile, EveryBitCounts) {
  testing::with_each_bit_flipped(manifest_path(folder()),
                                 [&](size_t bit) { EXPECT_TRUE(is_read_as_written()) << "bit " << bit; });
  EXPECT_EQ(read("step-0000000042/manifest.pbtxt"), text_);
}

TEST_F(ManifestFile, EveryCutIsSeen) {
  for (size_t bytes = 0; bytes < text_.size(); ++bytes) {
    set_text(text_.substr(0, bytes));
    ASSERT_NE(error_of<DataError>([&] { static_cast<void>(read_manifest(folder())); }), "no error") << bytes;
  }
  set_text(text_.substr(0, text_.size() - 5));
  EXPECT_EQ(error_of<DataError>([&] { static_cast<void>(read_manifest(folder())); }),
            "[checkpoint] step-0000000042/manifest.pbtxt does not have the hash on its first line" + kAdvice);
}

TEST_F(ManifestFile, ThatAnEarlierProgramWroteIsRead) {
  set_text(earlier());
  EXPECT_EQ(read_manifest(folder()).SerializeAsString(), manifest_.SerializeAsString());
  EXPECT_FALSE(manifest_is_hashed(folder()));
  set_text(earlier() + "xxh3: 5\n");
  EXPECT_EQ(error_of<DataError>([&] { static_cast<void>(read_manifest(folder())); }),
            "[checkpoint] step-0000000042/manifest.pbtxt has a hash of itself that is not on its first line" + kAdvice);
}

TEST_F(ManifestFile, UnknownFieldsAreRefused) {
  for (const std::string& text : {earlier() + "steq: 3\n", sealed(core::kProtoSeal, earlier() + "steq: 3\n")}) {
    set_text(text);
    const std::string said = error_of<DataError>([&] { static_cast<void>(read_manifest(folder())); });
    EXPECT_TRUE(
        said.starts_with("[checkpoint] step-0000000042/manifest.pbtxt has a field that this program does not "
                         "know, line "))
        << said;
    EXPECT_NE(said.find("\"steq\""), std::string::npos) << said;
    EXPECT_TRUE(said.ends_with("; resume with the program that wrote it, or a newer one")) << said;
  }
}

TEST_F(ManifestFile, NumbersAreThoseThatARunCanHave) {
  const int64_t most = int64_t{1} << 53, huge = std::numeric_limits<int64_t>::max();
  const auto wanted = [](const char* what, int64_t least, int64_t to, int64_t got) {
    return str(": wanted ", what, " from ", least, " to ", to, ", got ", got, kAdvice);
  };
  EXPECT_EQ(error_of_changed([&](Manifest& m) { m.set_step(huge); }), wanted("step", 0, most, huge));
  EXPECT_EQ(error_of_changed([&](Manifest& m) { m.set_step(-1); }), wanted("step", 0, most, -1));
  EXPECT_EQ(error_of_changed([&](Manifest& m) { m.set_trained_steps(43); }), wanted("trained_steps", 0, 42, 43));
  EXPECT_EQ(error_of_changed([&](Manifest& m) { m.set_epoch(-3); }), wanted("epoch", 0, most, -3));
  EXPECT_EQ(error_of_changed([&](Manifest& m) { m.set_batches(-1); }), wanted("batches", 0, most, -1));
  EXPECT_EQ(error_of_changed([&](Manifest& m) { m.set_rows_trained(-1); }), wanted("rows_trained", 0, most, -1));
  EXPECT_EQ(error_of_changed([&](Manifest& m) { m.set_table_updates(-1); }), wanted("table_updates", 0, most, -1));
  EXPECT_EQ(error_of_changed([&](Manifest& m) { m.set_misses(-1); }), wanted("misses", 0, most, -1));
  EXPECT_EQ(error_of_changed([&](Manifest& m) { m.set_best_step(43); }), wanted("best_step", 0, 42, 43));
  EXPECT_EQ(error_of_changed([&](Manifest& m) { m.set_ranks(0); }), wanted("ranks", 1, 1 << 20, 0));
  EXPECT_EQ(error_of_changed([&](Manifest& m) { m.set_best(NAN); }), ": wanted best as a number, got nan" + kAdvice);
  EXPECT_EQ(error_of_changed([&](Manifest& m) { m.set_step(44); }), " has step 44, its folder has step 42" + kAdvice);
}

TEST_F(ManifestFile, FilesAreNamedOnceWithBytesAndHash) {
  const auto changed = [&](void (*change)(File&)) {
    return error_of_changed([&](Manifest& m) { change(*m.mutable_file(0)); });
  };
  EXPECT_EQ(changed([](File& f) { f.set_name("tables/item-00000-of-00001.safetensors"); }),
            " names the file \"tables/item-00000-of-00001.safetensors\" twice; do not use it");
  EXPECT_EQ(changed([](File& f) { f.set_name("tables/../../x"); }),
            " names the file \"tables/../../x\", which does not lie below its folder; do not use it");
  EXPECT_EQ(changed([](File& f) { f.set_bytes(-5); }),
            ": wanted the bytes of \"dense.safetensors\", got -5; do not use it");
  EXPECT_EQ(changed([](File& f) { f.clear_xxh3(); }),
            ": wanted the hash of \"dense.safetensors\", there is none; do not use it");
  EXPECT_EQ(error_of_changed([](Manifest& m) { m.mutable_log(0)->set_bytes(-1); }),
            ": wanted the bytes of \"metrics.jsonl\", got -1; do not use it");
}

}  // namespace
}  // namespace polyscene::checkpoint
