// What is read, and what belongs to a run or a model, is never written, by whichever of its names.
#include "core/run/output_rule.h"

#include "tests/support/message_of.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::testing {
namespace {

namespace fs = std::filesystem;

class OutputRuleTest : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    write("data/part.parquet", "rows");
    write("run/metrics.jsonl", "");
    write("run/config.pbtxt", "");
    write("run/models/step-0000000009/dense.safetensors", "");
    fs::create_symlink("models/step-0000000009", path("run/model"));
    write("run/checkpoints/step-0000000009/dense.safetensors", "");
    write("run/checkpoints/step-0000000009/manifest.pbtxt", "");
    write("export/1/dense.safetensors", "");
  }
  [[nodiscard]] core::InputPaths inputs() const {
    return {.files = {path("data/part.parquet"), path("data/gone.parquet")}, .folders = {}};
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    return message_of([&] { require_output_file("--output", path(name), inputs()); });
  }
  [[nodiscard]] std::string folder(const std::string& name, const core::InputPaths& read = {}) const {
    return message_of([&] { require_output_folder("--output", path(name), read); });
  }
  [[nodiscard]] std::string refused(const std::string& name, const std::string& what) const {
    return "[output] wanted a place of its own for --output, got " + path(name) + ", which is " + what +
           "; nothing was written, choose another";
  }
};

TEST_F(OutputRuleTest, AFileThatIsRead) {
  fs::create_symlink("data/part.parquet", path("link"));
  fs::create_hard_link(path("data/part.parquet"), path("hard"));
  fs::create_symlink("data", path("elsewhere"));
  for (const char* name : {"data/part.parquet", "data/../data/part.parquet", "link", "hard", "elsewhere/part.parquet"})
    EXPECT_EQ(file(name), refused(name, "the file " + path("data/part.parquet") + ", which is read"));
  fs::create_symlink("data/part.parquet", path("out.partial"));
  EXPECT_EQ(file("out"), refused("out", "written aside first, to " + path("out.partial") + ": the file " +
                                            path("data/part.parquet") + ", which is read"));
  EXPECT_EQ(file("data/new.parquet"), "nothing thrown");
  EXPECT_EQ(file("new.parquet"), "nothing thrown");
}

TEST_F(OutputRuleTest, AFileOfARunOrAModel) {
  const std::string step = path("run/models/step-0000000009");
  EXPECT_EQ(file("run/model/new"), refused("run/model/new", "in the model " + step));
  EXPECT_EQ(file("run/model/tables/new"), refused("run/model/tables/new", "in the model " + step));
  EXPECT_EQ(
      file("run/checkpoints/step-0000000009/new"),
      refused("run/checkpoints/step-0000000009/new", "in the checkpoint " + path("run/checkpoints/step-0000000009")));
  EXPECT_EQ(file("export/1/new"), refused("export/1/new", "in the model " + path("export/1")));
  for (const char* name : {"run/config.pbtxt", "run/metrics.jsonl", "run/rejects/new", "run/checkpoints/new"})
    EXPECT_EQ(file(name), refused(name, "a part of the run " + path("run")));
  EXPECT_EQ(file("run/predictions.parquet"), "nothing thrown");
  EXPECT_EQ(file("export/scores.parquet"), "nothing thrown");
}

TEST_F(OutputRuleTest, AFolder) {
  EXPECT_EQ(folder("data", inputs()),
            refused("data", "the folder of " + path("data/part.parquet") + ", which is read"));
  EXPECT_EQ(folder("run/new", {.files = {}, .folders = {path("run")}}),
            refused("run/new", "in " + path("run") + ", which is read"));
  EXPECT_EQ(folder("run/model"), refused("run/model", "in the model " + path("run/models/step-0000000009")));
  EXPECT_EQ(folder("run/rejects"), refused("run/rejects", "a part of the run " + path("run")));
  EXPECT_EQ(folder("data/new", inputs()), "nothing thrown");
  EXPECT_EQ(folder("run"), "nothing thrown");
  EXPECT_EQ(message_of([&] { core::require_no_run("--output", path("run")); }), refused("run", "the folder of a run"));
  EXPECT_EQ(message_of([&] { core::require_no_run("--output", path("export")); }), "nothing thrown");
}

}  // namespace
}  // namespace polyscene::testing
