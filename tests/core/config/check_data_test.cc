#include "config_files.h"

namespace polyscene::core {
namespace {

class CheckDataTest : public ConfigTest {
 protected:
  // What the loader says about line 2 of a configuration that is right otherwise.
  std::string error_with(const std::string& line) const {
    const std::string text =
        "data { feature { name: \"user\" categorical {} } label { name: \"click\" }\n" + line + "\n}\nmodel { lr {} }";
    const std::string error = error_of(text), prefix = "[config] x.pbtxt:2:";
    return error.starts_with(prefix) ? error.substr(prefix.size()) : "unexpected: " + error;
  }
};

TEST_F(CheckDataTest, NothingToLearn) {
  EXPECT_EQ(error_of("model { mlp {} }\ndata { }"),
            "[config] x.pbtxt:2:1: data has no feature; a model needs at least one\n"
            "[config] x.pbtxt:2:1: data has no label; add label { name: \"is_click\" } with a column of 0 and 1");
}

TEST_F(CheckDataTest, NamesOfFeatures) {
  EXPECT_EQ(error_with("feature { categorical {} }"), "1: data.feature[1] wants a name; give it name: \"...\"");
  EXPECT_EQ(error_with("feature { name: \"user\" bag {} }"),
            "11: data.feature[1].name: feature \"user\" is there twice (first x.pbtxt:1:18); rename or remove one");
  EXPECT_EQ(error_with("feature { name: \"a/b\" bag {} }"),
            "11: data.feature[1].name wants letters, digits, _ . and - only, got \"a/b\"");
}

TEST_F(CheckDataTest, NamesOfLabelsAndGroups) {
  EXPECT_EQ(error_with("label {}"), "1: data.label[1] wants a name; give it name: \"...\"");
  EXPECT_EQ(error_with("label { name: \"click\" }"),
            "9: data.label[1].name: label \"click\" is there twice (first x.pbtxt:1:56); rename or remove one");
  EXPECT_EQ(error_with("group {}"), "1: data.group[0] wants a name; give it name: \"...\"");
  EXPECT_EQ(error_with("group { name: \"u\" } group { name: \"u\" }"),
            "29: data.group[1].name: group \"u\" is there twice (first x.pbtxt:2:9); rename or remove one");
}

TEST_F(CheckDataTest, FeatureWithoutKind) {
  EXPECT_EQ(error_with("feature { name: \"a\" }"),
            "1: data.feature[1] \"a\" wants a kind: one of categorical { }, bag { }, number { }, sequence { }");
}

TEST_F(CheckDataTest, Categorical) {
  EXPECT_EQ(error_with("feature { name: \"a\" categorical { min_id: 3 max_id: 2 } }"),
            "35: data.feature[1].categorical.min_id wants at most max_id, got 3 above 2; no id would be valid");
  EXPECT_EQ(error_with("feature { name: \"a\" categorical { table: \"x y\" } }"),
            "35: data.feature[1].categorical.table wants letters, digits, _ . and - only, got \"x y\"");
}

TEST_F(CheckDataTest, Bag) {
  EXPECT_EQ(error_with("feature { name: \"a\" bag { max_length: 0 } }"),
            "27: data.feature[1].bag.max_length wants at least 1, got 0");
  EXPECT_EQ(error_with("feature { name: \"a\" bag { weight_column: \"a\" } }"),
            "27: data.feature[1].bag.weight_column wants another column than the ids', got \"a\" for both");
}

TEST_F(CheckDataTest, Number) {
  EXPECT_EQ(error_with("feature { name: \"a\" number { stddev: 0 } }"),
            "30: data.feature[1].number.stddev wants a number above 0, got 0");
  EXPECT_EQ(error_with("feature { name: \"a\" number { stddev: nan } }"),
            "30: data.feature[1].number.stddev wants a number above 0, got nan");
  EXPECT_EQ(error_with("feature { name: \"a\" number { mean: inf } }"),
            "30: data.feature[1].number.mean wants a finite number, got inf");
  EXPECT_EQ(error_with("feature { name: \"a\" number { table: \"t\" } }"),
            "30: data.feature[1].number.table is the table of the buckets, but there are none; add boundary: [...] or "
            "remove table");
}

TEST_F(CheckDataTest, BoundariesPointAtTheElement) {
  EXPECT_EQ(error_with("feature { name: \"a\" number { boundary: [1, 2, 2, 3] } }"),
            "47: data.feature[1].number.boundary[2] wants more than the boundary before it (2), got 2; list the bounds "
            "in ascending "
            "order, each once");
  EXPECT_EQ(error_with("feature { name: \"a\" number { boundary: 1 boundary: -inf } }"),
            "42: data.feature[1].number.boundary[1] wants a finite number, got -inf\n"
            "[config] x.pbtxt:2:42: data.feature[1].number.boundary[1] wants more than the boundary before it (1), got "
            "-inf; list the "
            "bounds in ascending order, each once");
}

TEST_F(CheckDataTest, NamesThatAreSpelledOutAsNothing) {
  EXPECT_EQ(error_with("feature { name: \"a\" categorical { column: \"\" } }"),
            "35: data.feature[1].categorical.column wants a column's name, got \"\"; leave it out for the default");
  EXPECT_EQ(error_with("feature { name: \"a\" bag { table: \"\" } }"),
            "27: data.feature[1].bag.table wants a table's name, got \"\"; leave it out for the default");
}

TEST_F(CheckDataTest, Sequence) {
  EXPECT_EQ(error_with("feature { name: \"h\" sequence { } }"),
            "21: data.feature[1].sequence wants at least one side, e.g. side { column: \"history_video\" target: "
            "\"video_id\" }");
  EXPECT_EQ(error_with("feature { name: \"h\" sequence { side { column: \"c\" } max_length: 0 } }"),
            "53: data.feature[1].sequence.max_length wants at least 1, got 0");
  EXPECT_EQ(error_with("feature { name: \"h\" role: SCENARIO sequence { side { column: \"c\" } } }"),
            "21: data.feature[1].role SCENARIO is for features of the row, but data.feature[1] \"h\" is a sequence; "
            "remove the role");
}

TEST_F(CheckDataTest, Sides) {
  EXPECT_EQ(error_with("feature { name: \"h\" sequence { side { } } }"),
            "32: data.feature[1].sequence.side[0] wants a column, e.g. column: \"history_video\"");
  EXPECT_EQ(error_with("feature { name: \"h\" sequence { side { column: \"c\" table: \"t\" target: \"usr\" } } }"),
            "62: data.feature[1].sequence.side[0].target wants a categorical feature or a number with boundaries, got "
            "\"usr\"; did you "
            "mean \"user\"?");
  EXPECT_EQ(error_with("feature { name: \"age\" number {} } feature { name: \"h\" sequence { side { column: \"c\" "
                       "target: \"age\" } } }"),
            "85: data.feature[2].sequence.side[0].target wants a categorical feature or a number with boundaries, but "
            "\"age\" is neither; "
            "there are user");
}

TEST_F(CheckDataTest, ALabelIsNoInput) {
  EXPECT_EQ(error_with("feature { name: \"click\" categorical {} }"),
            "1: data.feature[1] \"click\" reads column \"click\", which label \"click\" is to be predicted from; "
            "remove the feature");
  EXPECT_EQ(error_with("feature { name: \"h\" sequence { side { column: \"bought\" table: \"t\" } } } label { name: "
                       "\"buy\" column: \"bought\" }"),
            "1: data.feature[1] \"h\" reads column \"bought\", which label \"buy\" is to be predicted from; remove the "
            "feature");
}

TEST_F(CheckDataTest, Reader) {
  EXPECT_EQ(error_with("max_bad_share: 1.5"), "1: data.max_bad_share wants a share from 0 to 1, got 1.5");
  EXPECT_EQ(error_with("only_scenarios: \"1\""),
            "1: data.only_scenarios wants to know each row's scenario; set data.scenario_column");
  EXPECT_EQ(error_with("shuffle_window: 0"), "1: data.shuffle_window wants 1 to 2147483647 rows, got 0");
  EXPECT_EQ(error_with("shuffle_window: 2147483648"),
            "1: data.shuffle_window wants 1 to 2147483647 rows, got 2147483648");
  EXPECT_EQ(error_with("lanes: 0"), "1: data.lanes wants 1 to 65536, got 0");
  EXPECT_EQ(error_with("prefetch: 0"), "1: data.prefetch wants 1 to 4096 batches, got 0");
  EXPECT_EQ(error_with("threads: 0"), "1: data.threads wants 1 to 1024, got 0");
}

TEST_F(CheckDataTest, NameOfTheExperiment) {
  EXPECT_EQ(error_of(kLeast + "name: \"a/b\""),
            "[config] x.pbtxt:3:1: name wants a name fit for a folder (no slash, no leading dot), got \"a/b\"");
  EXPECT_EQ(error_of(kLeast + "name: \"" + std::string(255, 'a') + "\""), "no error");
  EXPECT_EQ(error_of(kLeast + "name: \"" + std::string(256, 'a') + "\""),
            "[config] x.pbtxt:3:1: name wants a name fit for a folder, of at most 255 bytes, got 256");
}

}  // namespace
}  // namespace polyscene::core
