#include "core/features/feature_schema.h"

#include <gtest/gtest.h>

#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::test {
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
  EXPECT_EQ(error("feature { categorical {} }"), "[data.feature] a feature has no name");
  EXPECT_EQ(error(R"pb(feature {
                         name: "a"
                         categorical {}
                       }
                       feature {
                         name: "a"
                         bag {}
                       })pb"),
            "[data.feature] two features are named \"a\"");
  EXPECT_EQ(error(R"pb(label { name: "y" }
                       label { name: "y" })pb"),
            "[data.feature] two labels are named \"y\"");
  EXPECT_EQ(error("group {}"), "[data.feature] a group has no name");
  EXPECT_EQ(error(R"pb(feature { name: "a" })pb"),
            "[data.feature] feature \"a\" wants one of categorical, bag, number, sequence; got none");
}

TEST(FeatureSchemaFrom, RefusesUnknownTargets) {
  EXPECT_EQ(error(R"pb(feature {
                         name: "video"
                         categorical {}
                       }
                       feature {
                         name: "h"
                         sequence { side { column: "v" target: "vidoe" } }
                       })pb"),
            "[data.feature] sequence \"h\" wants target \"vidoe\", but no categorical feature has that name; did you "
            "mean \"video\"?");
}

TEST(FeatureSchemaFrom, RefusesImpossibleSettings) {
  EXPECT_EQ(error(R"pb(feature {
                         name: "a"
                         number { stddev: 0 }
                       })pb"),
            "[data.feature] number \"a\" wants a finite mean and a positive stddev, got mean 0, stddev 0");
  EXPECT_EQ(error(R"pb(feature {
                         name: "a"
                         number { boundary: 2 boundary: 2 }
                       })pb"),
            "[data.feature] number \"a\" wants finite boundaries in ascending order, got 2 at place 1");
  EXPECT_EQ(error(R"pb(feature {
                         name: "a"
                         categorical { min_id: 2 max_id: 1 }
                       })pb"),
            "[data.feature] categorical \"a\" wants min_id <= max_id, got 2 and 1");
  EXPECT_EQ(error(R"pb(feature {
                         name: "a"
                         bag { max_length: 0 }
                       })pb"),
            "[data.feature] \"a\" wants max_length of at least 1, got 0");
  EXPECT_EQ(error(R"pb(feature {
                         name: "a"
                         sequence {}
                       })pb"),
            "[data.feature] sequence \"a\" wants at least one side { column: ... }");
  EXPECT_EQ(error(R"pb(feature {
                         name: "a"
                         sequence { side {} }
                       })pb"),
            "[data.feature] sequence \"a\" has a side without a column");
}

}  // namespace
}  // namespace polyscene::test
