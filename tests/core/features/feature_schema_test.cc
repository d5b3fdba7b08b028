#include "core/features/feature_schema.h"

#include <gtest/gtest.h>

#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

FeatureSchema schema(const std::string& text) {
  const TempFolder folder;
  return FeatureSchema::from(data_config(folder, text));
}

std::string error(const std::string& text) {
  return message_of<InvalidArgument>([&] { (void)schema(text); });
}

TEST(FeatureSchemaFrom, SortsFeaturesByHowTheyTravel) {
  const auto s = schema(R"pb(
    feature {
      name: "history"
      sequence {
        side { column: "h_video" target: "video" }
        side { column: "h_tab" }
        side { column: "h_tag" table: "tag" }
        max_length: 7
      }
    }
    feature {
      name: "age"
      number { boundary: 18 }
      role: USER
    }
    feature {
      name: "price"
      number {}
      role: ITEM
    }
    feature {
      name: "video"
      categorical { table: "item" }
      role: ITEM
    }
    feature {
      name: "tag"
      bag { pooling: SUM }
    }
    feature {
      name: "tab"
      categorical {}
      role: SCENARIO
    }
    label { name: "click" }
    label { name: "long" }
    group { name: "user" })pb");
  ASSERT_EQ(s.fields.size(), 3u);
  EXPECT_EQ(s.fields[0].name, "age");
  EXPECT_EQ(s.fields[0].table, "age");
  EXPECT_EQ(s.fields[0].role, config::Feature::USER);
  EXPECT_EQ(s.fields[1].table, "item");
  EXPECT_EQ(s.fields[2].role, config::Feature::SCENARIO);
  ASSERT_EQ(s.numbers.size(), 1u);
  EXPECT_EQ(s.numbers[0].name, "price");
  ASSERT_EQ(s.bags.size(), 1u);
  EXPECT_FALSE(s.bags[0].mean);
  ASSERT_EQ(s.sequences.size(), 1u);
  EXPECT_EQ(s.sequences[0].max_length, 7);
  EXPECT_EQ(s.sequences[0].sides[0].table, "item");  // the target's
  EXPECT_EQ(s.sequences[0].sides[0].target_field, 1);
  EXPECT_EQ(s.sequences[0].sides[1].table, "h_tab");
  EXPECT_EQ(s.sequences[0].sides[1].target_field, -1);
  EXPECT_EQ(s.labels, (std::vector<std::string>{"click", "long"}));
  EXPECT_EQ(s.groups, (std::vector<std::string>{"user"}));
  EXPECT_EQ(s.tables(), (std::vector<std::string>{"age", "h_tab", "item", "tab", "tag"}));
}

TEST(FeatureSchemaFrom, RefusesNamelessRepeatedAndKindless) {
  EXPECT_EQ(error("feature { categorical {} }"), "[config] data.feature[0] wants a name; give it name: \"...\"");
  EXPECT_EQ(
      error(R"pb(feature {
                   name: "a"
                   categorical {}
                 }
                 feature {
                   name: "a"
                   bag {}
                 })pb"),
      "[config] data.feature[1].name: feature \"a\" is there twice (first data.feature[0].name); rename or remove one");
  EXPECT_EQ(error(R"pb(label { name: "y" }
                       label { name: "y" })pb"),
            "[config] data.label[1].name: label \"y\" is there twice (first data.label[0].name); rename or remove one");
  EXPECT_EQ(error("group {}"), "[config] data.group[0] wants a name; give it name: \"...\"");
  EXPECT_EQ(error(R"pb(feature { name: "a" })pb"),
            "[config] data.feature[0] \"a\" wants a kind: one of categorical { }, bag { }, number { }, sequence { }");
}

TEST(FeatureSchemaFrom, RefusesUnknownTargets) {
  EXPECT_EQ(
      error(R"pb(feature {
                   name: "video"
                   categorical {}
                 }
                 feature {
                   name: "h"
                   sequence { side { column: "v" target: "vidoe" } }
                 })pb"),
      "[config] data.feature[1].sequence.side[0].target wants a categorical feature or a number with boundaries, got "
      "\"vidoe\"; did you mean \"video\"?");
}

TEST(FeatureSchemaFrom, RefusesImpossibleSettings) {
  EXPECT_EQ(error(R"pb(feature {
                         name: "a"
                         number { stddev: 0 }
                       })pb"),
            "[config] data.feature[0].number.stddev wants a number above 0, got 0");
  EXPECT_EQ(error(R"pb(feature {
                         name: "a"
                         number { boundary: 2 boundary: 2 }
                       })pb"),
            "[config] data.feature[0].number.boundary[1] wants more than the boundary before it (2), got 2; list the "
            "bounds in ascending order, each once");
  EXPECT_EQ(error(R"pb(feature {
                         name: "a"
                         categorical { min_id: 2 max_id: 1 }
                       })pb"),
            "[config] data.feature[0].categorical.min_id wants at most max_id, got 2 above 1; no id would be valid");
  EXPECT_EQ(error(R"pb(feature {
                         name: "a"
                         bag { max_length: 0 }
                       })pb"),
            "[config] data.feature[0].bag.max_length wants at least 1, got 0");
  EXPECT_EQ(error(R"pb(feature {
                         name: "a"
                         sequence {}
                       })pb"),
            "[config] data.feature[0].sequence wants at least one side, e.g. side { column: \"history_video\" target: "
            "\"video_id\" }");
  EXPECT_EQ(error(R"pb(feature {
                         name: "a"
                         sequence { side {} }
                       })pb"),
            "[config] data.feature[0].sequence.side[0] wants a column, e.g. column: \"history_video\"");
}

}  // namespace
}  // namespace polyscene::core::test
