#include "config_files.h"

namespace polyscene::core {
namespace {

using RootTest = ConfigTest;

TEST_F(RootTest, EmptyRootIsTheFolderOfTheFileThatNamesThePatterns) {
  write("data/base.pbtxt", kRich);
  EXPECT_EQ(load("include: \"data/base.pbtxt\"").data().root(), (folder_ / "data").string());
}

TEST_F(RootTest, ARelativeRootIsRelativeToTheFileThatSetsIt) {
  write("data/base.pbtxt", kRich);
  EXPECT_EQ(load("include: \"data/base.pbtxt\"\ndata { root: \"data/../sample\" }").data().root(),
            (folder_ / "sample").string());
  EXPECT_EQ(load("include: \"data/base.pbtxt\"\ndata { root: \"/abs\" }").data().root(), "/abs");
}

TEST_F(RootTest, AnOverrideIsRelativeToTheCurrentFolder) {
  EXPECT_EQ(load(kRich, {"data.root=somewhere"}).data().root(),
            (std::filesystem::current_path() / "somewhere").string());
  EXPECT_EQ(load(kRich, {"data.train_files=a.parquet"}).data().root(), folder_.string());
  EXPECT_EQ(load(kLeast, {"data.train_files=a.parquet"}).data().root(), std::filesystem::current_path().string());
}

TEST_F(RootTest, AbsolutePatternsNeedNoRoot) {
  EXPECT_FALSE(load(kLeast, {"data.train_files=/abs/a.parquet"}).data().has_root());
}

TEST_F(RootTest, PatternsOfTwoFoldersNeedARoot) {
  write("data/base.pbtxt", kRich);
  const std::string folder = folder_.string();
  EXPECT_EQ(error_of("include: \"data/base.pbtxt\"\ndata { train_files: \"more.parquet\" }"),
            "[config] x.pbtxt:2:8: data.train_files[1] is relative to " + folder +
                " and data.train_files[0] (data/base.pbtxt:9:3) to data; say which folder is meant with data.root");
  EXPECT_EQ(load("include: \"data/base.pbtxt\"\ndata { root: \"d\" train_files: \"more.parquet\" }").data().root(),
            (folder_ / "d").string());
}

}  // namespace
}  // namespace polyscene::core
