#include "config_files.h"

namespace polyscene {
namespace {

const std::string kFlatData = "data { feature { name: \"user\" categorical {} } label { name: \"click\" } }\n";
const std::string kSequenceWithoutTarget =
    "data { feature { name: \"user\" categorical {} } label { name: \"click\" } "
    "feature { name: \"h\" sequence { side { column: \"c\" table: \"t\" } } } }\n";

class CheckModelTest : public ConfigTest {
 protected:
  std::string error_with(const std::string& data, const std::string& model) const {
    const std::string error = error_of(model + "\n" + data), prefix = "[config] x.pbtxt:1:";
    return error.starts_with(prefix) ? error.substr(prefix.size()) : "unexpected: " + error;
  }
};

TEST_F(CheckModelTest, KindIsWanted) {
  EXPECT_EQ(error_with(kFlatData, "model { }"),
            "1: model wants a kind: one of sfpnet { }, lr { }, mlp { }, din { }, pepnet { }");
  EXPECT_EQ(error_of(kFlatData),
            "[config] x.pbtxt:1:1: model wants a kind: one of sfpnet { }, lr { }, mlp { }, din { }, pepnet { }");
}

TEST_F(CheckModelTest, Label) {
  EXPECT_EQ(error_with(kFlatData, "model { label: \"clik\" mlp {} }"),
            "9: model.label wants a label of the data, got \"clik\"; did you mean \"click\"?");
}

TEST_F(CheckModelTest, Widths) {
  EXPECT_EQ(error_with(kFlatData, "model { mlp {} head: [8, 0] }"),
            "26: model.head[1] wants a width from 1 to 65536, got 0");
  EXPECT_EQ(
      error_with(kFlatData, "model { lr {} head: 8 }"),
      "15: model.head has no place in lr, which is one weight per id and no hidden layer; remove head or choose mlp");
}

TEST_F(CheckModelTest, Sfpnet) {
  const std::string rich = kRich.substr(0, kRich.find("model"));
  EXPECT_EQ(error_with(rich, "model { sfpnet { blocks: 0 } }"), "18: model.sfpnet.blocks wants 1 to 64, got 0");
  EXPECT_EQ(error_with(rich, "model { sfpnet { gate_hidden: 0 } }"),
            "18: model.sfpnet.gate_hidden wants a width from 1 to 65536, got 0");
  EXPECT_EQ(error_with(rich, "model { sfpnet { context_width: 0 } }"),
            "18: model.sfpnet.context_width wants a width from 1 to 65536, got 0");
  EXPECT_EQ(error_with(rich, "model { sfpnet { rtm_hidden: -1 } }"),
            "18: model.sfpnet.rtm_hidden wants 0 (twice the behaviour width) to 65536, got -1");
}

TEST_F(CheckModelTest, WhatAModelNeedsOfTheData) {
  EXPECT_EQ(error_with(kFlatData, "model { sfpnet {} }"),
            "9: model.sfpnet wants behaviours, but no feature is a sequence; add one, or choose mlp or pepnet\n"
            "[config] x.pbtxt:1:9: model.sfpnet wants a scenario vector, but no feature has role: SCENARIO; give it to "
            "the feature that "
            "tells the scenario");
  EXPECT_EQ(error_with(kFlatData, "model { pepnet {} }"),
            "9: model.pepnet wants a scenario vector, but no feature has role: SCENARIO; give it to the feature that "
            "tells the scenario");
  EXPECT_EQ(error_with(kSequenceWithoutTarget, "model { din {} }"),
            "9: model.din compares behaviours with targets, but no side of a sequence names one; add e.g. target: "
            "\"video_id\" to a side");
  EXPECT_EQ(error_with(kSequenceWithoutTarget + "data { feature { name: \"s\" role: SCENARIO categorical {} } }",
                       "model { mlp {} }"),
            "unexpected: [config] x.pbtxt:3:1: data is given twice (first at 2:1); keep one");
  EXPECT_EQ(error_of(kRich, {"data.feature[history].sequence.side[0].target=",
                             "model.sfpnet.readout=READOUT_DAP_AND_TARGET_ATTENTION"}),
            "[config] --set model.sfpnet.readout=READOUT_DAP_AND_TARGET_ATTENTION: model.sfpnet.readout compares "
            "behaviours with targets, "
            "but no side of a sequence names one; add e.g. target: \"video_id\" to a side");
}

TEST_F(CheckModelTest, OtherWidths) {
  const std::string rich = kRich.substr(0, kRich.find("model"));
  EXPECT_EQ(error_with(rich, "model { din { attention_hidden: 0 } }"),
            "15: model.din.attention_hidden[0] wants a width from 1 to 65536, got 0");
  EXPECT_EQ(error_with(rich, "model { pepnet { gate_hidden: 0 } }"),
            "18: model.pepnet.gate_hidden wants a width from 1 to 65536, got 0");
}

}  // namespace
}  // namespace polyscene
