#include "config_files.h"

namespace polyscene::core {
namespace {

using IncludeTest = ConfigTest;

TEST_F(IncludeTest, LaterValuesWinAndListsAppend) {
  write("data/base.pbtxt",
        "data { feature { name: \"a\" categorical {} } label { name: \"click\" } }\ntrain { batch_size: 1 epochs: 2 }");
  write("model.pbtxt", "model { lr {} }\ntrain { batch_size: 2 }");
  const config::Experiment e = load(
      "train { batch_size: 3 }\ndata { feature { name: \"b\" categorical {} } }\n"
      "include: \"data/base.pbtxt\"\ninclude: \"model.pbtxt\"");
  EXPECT_EQ(e.train().batch_size(), 3);
  EXPECT_EQ(e.train().epochs(), 2);
  ASSERT_EQ(e.data().feature_size(), 2);
  EXPECT_EQ(e.data().feature(0).name(), "a");
  EXPECT_EQ(e.data().feature(1).name(), "b");
  EXPECT_EQ(e.include_size(), 0);
}

TEST_F(IncludeTest, PathsAreRelativeToTheIncludingFile) {
  write("data/deep/leaf.pbtxt", kLeast);
  write("data/middle.pbtxt", "include: \"deep/leaf.pbtxt\"");
  EXPECT_EQ(load("include: \"data/middle.pbtxt\"").data().feature_size(), 1);
}

TEST_F(IncludeTest, ErrorsNameTheIncludedFile) {
  write("data/base.pbtxt", "\n\ntrain { epoch: 1 }");
  EXPECT_EQ(error_of("include: \"data/base.pbtxt\""),
            "[config] data/base.pbtxt:3:9: unknown field \"epoch\" in train; did you mean \"epochs\"?");
}

TEST_F(IncludeTest, ChecksFindTheFileThatWroteTheValue) {
  write("base.pbtxt", kRich + "train { batch_size: 0\n  epochs: 0 }");
  EXPECT_EQ(error_of("include: \"base.pbtxt\"\ndata {\n  feature { name: \"n\"\n    number { stddev: 0 } } }\ntrain { "
                     "batch_size: -1 }"),
            "[config] x.pbtxt:4:14: data.feature[5].number.stddev wants a number above 0, got 0\n"
            "[config] x.pbtxt:5:9: train.batch_size wants 1 to 16777216 rows, got -1\n"
            "[config] base.pbtxt:14:3: train.epochs wants at least 1, got 0; to stop sooner set train.max_steps");
}

TEST_F(IncludeTest, MissingFileNamesTheIncludeAndANeighbour) {
  write("data/kuairand.pbtxt", kLeast);
  EXPECT_EQ(error_of("\n  include: \"data/kuairnd.pbtxt\""),
            "[config] x.pbtxt:2:3: cannot read data/kuairnd.pbtxt: No such file or directory; did you mean "
            "\"data/kuairand.pbtxt\"?");
  EXPECT_EQ(error_of("include: \"\""), "[config] x.pbtxt:1:1: include wants a file, got \"\"");
  EXPECT_EQ(error_of("include: \"data\""), "[config] x.pbtxt:1:1: wanted a file, but data is a folder");
}

TEST_F(IncludeTest, AreBoundedInDepthAndNumber) {
  const auto name = [](int i) { return str("f", i, ".pbtxt"); };
  const int deepest = 63;  // below the file itself
  for (int i = 1; i < deepest; ++i) write(name(i), str("include: \"", name(i + 1), "\""));
  write(name(deepest), kLeast);
  EXPECT_EQ(load("include: \"f1.pbtxt\"").data().feature_size(), 1);
  write(name(deepest), "include: \"f64.pbtxt\"");
  write(name(64), kLeast);
  EXPECT_EQ(
      error_of("include: \"f1.pbtxt\""),
      "[config] f63.pbtxt:1:1: wanted files that include each other at most 64 deep, f64.pbtxt is deeper; let one "
      "file include the others side by side");

  std::string all = kLeast;
  for (int i = 1; i <= 1000; ++i) {
    write(name(i), "");
    all += str("include: \"", name(i), "\"\n");
  }
  EXPECT_EQ(load(all).data().feature_size(), 1);
  write(name(1001), "");
  EXPECT_EQ(
      error_of(all + "include: \"f1001.pbtxt\""),
      "[config] x.pbtxt:1003:1: wanted at most 1000 files, f1001.pbtxt is one more; put several of them into one");
}

TEST_F(IncludeTest, CyclesNameTheWholeChain) {
  write("a.pbtxt", "include: \"b.pbtxt\"");
  write("b.pbtxt", "\ninclude: \"a.pbtxt\"");
  EXPECT_EQ(error_of("include: \"a.pbtxt\""),
            "[config] b.pbtxt:2:1: include cycle: a.pbtxt -> b.pbtxt -> a.pbtxt; remove one of these includes");
  EXPECT_EQ(error_of("include: \"x.pbtxt\""),
            "[config] x.pbtxt:1:1: include cycle: x.pbtxt -> x.pbtxt; remove one of these includes");
}

TEST_F(IncludeTest, AFileReachedTwiceIsRefused) {
  write("base.pbtxt", kLeast);
  write("a.pbtxt", "include: \"base.pbtxt\"");
  EXPECT_EQ(
      error_of("include: \"a.pbtxt\"\ninclude: \"base.pbtxt\""),
      "[config] x.pbtxt:2:1: base.pbtxt is included a second time (first by a.pbtxt:1:1), which would append its lists "
      "twice; remove one include");
}

TEST_F(IncludeTest, TwoKindsOfModelAreRefused) {
  write("sfpnet.pbtxt", "model { sfpnet {} }");
  EXPECT_EQ(error_of("include: \"sfpnet.pbtxt\"\nmodel {\n  lr {} }"),
            "[config] x.pbtxt:3:3: model.lr is given beside model.sfpnet (sfpnet.pbtxt:1:9); one configuration holds "
            "one kind of "
            "model; include only one of them");
}

TEST_F(IncludeTest, WidthsOfTwoFilesAreRefused) {
  write("m.pbtxt", "model { head: [8, 4] din { attention_hidden: 3 } }");
  EXPECT_EQ(error_of("include: \"m.pbtxt\"\nmodel { head: 16 }"),
            "[config] x.pbtxt:2:9: model.head is given beside model.head (m.pbtxt:1:16); lists append over includes, "
            "which makes a "
            "deeper network; write it in one file, or replace it with --set model.head=...");
  EXPECT_EQ(error_of("include: \"m.pbtxt\"\nmodel { din { attention_hidden: 16 } }"),
            "[config] x.pbtxt:2:15: model.din.attention_hidden is given beside model.din.attention_hidden "
            "(m.pbtxt:1:28); lists "
            "append over includes, which makes a deeper network; write it in one file, or replace it with --set "
            "model.din.attention_hidden=...");
}

}  // namespace
}  // namespace polyscene::core
