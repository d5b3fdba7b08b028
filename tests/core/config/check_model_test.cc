#include "config_files.h"

namespace polyscene {
namespace {

const std::string kFlatData = "data { feature { name: \"user\" categorical {} } label { name: \"click\" } }\n";
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

TEST_F(CheckModelTest, ScenarioIsWanted) {
  EXPECT_EQ(error_with(kFlatData, "model { pepnet {} }"),
            "9: model.pepnet wants a scenario vector, but no feature has role: SCENARIO; give it to the feature that "
            "tells the scenario");
  const std::string sequence = "feature { name: \"h\" sequence { side { column: \"c\" } } } }\n";
  EXPECT_EQ(error_with(kFlatData.substr(0, kFlatData.size() - 2) + sequence, "model { sfpnet {} }"),
            "9: model.sfpnet wants a scenario vector, but no feature has role: SCENARIO; give it to the feature that "
            "tells the scenario");
}

TEST_F(CheckModelTest, ScenarioTableWantsIds) {
  EXPECT_EQ(error_of(kRich, {"data.feature[tab].role=", "data.feature[tags].role=SCENARIO",
                             "model.sfpnet.gate_form=SCENARIO_TABLE"}),
            "[config] --set model.sfpnet.gate_form=SCENARIO_TABLE: model.sfpnet.gate_form SCENARIO_TABLE wants a "
            "categorical feature with "
            "role: SCENARIO, the data has none; choose TWO_LAYER");
}

TEST_F(CheckModelTest, BehavioursAreWanted) {
  const std::string flat =
      kRich.substr(0, kRich.find("  feature { name: \"history\"")) + "  label { name: \"click\" } }\n";
  EXPECT_EQ(
      error_with(flat, "model { sfpnet {} }"),
      "9: model.sfpnet wants exactly one sequence of behaviours, the data has 0; add one, or choose mlp or pepnet");
  EXPECT_EQ(error_with(flat, "model { din {} }"),
            "9: model.din wants a sequence of behaviours, the data has none; add one, or choose mlp or pepnet");
  const std::string two = kRich.substr(0, kRich.find("model"));
  EXPECT_EQ(
      error_with(two.substr(0, two.size() - 2) + "feature { name: \"more\" sequence { side { column: \"m\" } } } }\n",
                 "model { sfpnet {} }"),
      "9: model.sfpnet wants exactly one sequence of behaviours, the data has 2; remove the others");
}

TEST_F(CheckModelTest, AttentionWantsATargetForEachSide) {
  const std::string clear = "data.feature[history].sequence.side[0].target=";
  EXPECT_EQ(error_of(kRich, {clear, "model.sfpnet=", "model.din={}"}),
            "[config] x.pbtxt:6:40: data.feature[4].sequence.side[0] wants a target, because model.din compares "
            "behaviours with targets; "
            "add e.g. target: \"video_id\"");
  EXPECT_EQ(error_of(kRich, {clear, "model.sfpnet.readout=READOUT_DAP_AND_TARGET_ATTENTION"}),
            "[config] x.pbtxt:6:40: data.feature[4].sequence.side[0] wants a target, because model.sfpnet.readout "
            "compares behaviours "
            "with targets; add e.g. target: \"video_id\"");
}

TEST_F(CheckModelTest, OnlyScenarioIsTooLittle) {
  EXPECT_EQ(error_with("data { feature { name: \"tab\" role: SCENARIO categorical {} } label { name: \"click\" } }",
                       "model { mlp {} }"),
            "unexpected: [config] x.pbtxt:2:1: data has no feature besides scenario and behaviours; a model wants at "
            "least one of the "
            "user, item or context");
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
