#include "config_files.h"

namespace polyscene::core {
namespace {

const std::string kFlatData = "data { feature { name: \"user\" categorical {} } label { name: \"click\" } }\n";
const std::string kRichData = kRich.substr(0, kRich.find("model"));

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
  EXPECT_EQ(error_with(kFlatData, "model { label: \"clik\" lr {} }"),
            "9: model.label wants a label of the data, got \"clik\"; did you mean \"click\"?");
}

TEST_F(CheckModelTest, Widths) {
  EXPECT_EQ(error_with(kRichData, "model { mlp {} head: [8, 0] }"),
            "26: model.head[1] wants a width from 1 to 65536, got 0");
  EXPECT_EQ(
      error_with(kFlatData, "model { lr {} head: 8 }"),
      "15: model.head has no place in lr, which is one weight per id and no hidden layer; remove head or choose mlp");
}

TEST_F(CheckModelTest, Sfpnet) {
  EXPECT_EQ(error_with(kRichData, "model { sfpnet { blocks: 0 } }"), "18: model.sfpnet.blocks wants 1 to 64, got 0");
  EXPECT_EQ(error_with(kRichData, "model { sfpnet { gate_hidden: 0 } }"),
            "18: model.sfpnet.gate_hidden wants a width from 1 to 65536, got 0");
  EXPECT_EQ(error_with(kRichData, "model { sfpnet { context_width: 0 } }"),
            "18: model.sfpnet.context_width wants a width from 1 to 65536, got 0");
  EXPECT_EQ(error_with(kRichData, "model { sfpnet { rtm_hidden: -1 } }"),
            "18: model.sfpnet.rtm_hidden wants 0 (twice the behaviour width) to 65536, got -1");
}

TEST_F(CheckModelTest, ScenarioIsWantedByAllButLr) {
  const std::string data = kFlatData.substr(0, kFlatData.size() - 2) +
                           "feature { name: \"h\" sequence { side { column: \"c\" target: \"user\" } } } }\n";
  EXPECT_EQ(error_of("model { lr {} }" + data), "no error");
  for (const std::string kind : {"mlp", "din", "pepnet", "sfpnet"})
    EXPECT_EQ(error_with(data, "model { " + kind + (kind == "pepnet" ? " { personal: \"user\" } }" : " {} }")),
              "9: model." + kind +
                  " wants a scenario vector, but no feature has role: SCENARIO; give it to the feature that tells the "
                  "scenario");
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
  EXPECT_EQ(error_with(kRichData.substr(0, kRichData.size() - 2) +
                           "feature { name: \"more\" sequence { side { column: \"m\" } } } }\n",
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

TEST_F(CheckModelTest, PersonalFieldsOfPepnet) {
  EXPECT_EQ(
      error_with(kRichData, "model { pepnet {} }"),
      "9: model.pepnet wants the features that tell user, item and author apart, whose embeddings personalise the "
      "layers; add e.g. personal: [\"user_id\", \"video_id\"]");
  EXPECT_EQ(
      error_with(kRichData, "model { pepnet { personal: [\"user\", \"usr\"] } }"),
      "37: model.pepnet.personal[1] wants a categorical feature or a number with boundaries, got \"usr\"; did you "
      "mean \"user\"?");
  EXPECT_EQ(error_with(kRichData, "model { pepnet { personal: \"tags\" } }"),
            "18: model.pepnet.personal[0] wants a categorical feature or a number with boundaries, but \"tags\" is "
            "neither; there are user, tab");
  EXPECT_EQ(error_with(kRichData, "model { pepnet { personal: \"user\" personal: \"user\" } }"),
            "35: model.pepnet.personal[1] \"user\" is there twice; keep one");
}

TEST_F(CheckModelTest, OtherWidths) {
  EXPECT_EQ(error_with(kRichData, "model { din { attention_hidden: 0 } }"),
            "15: model.din.attention_hidden[0] wants a width from 1 to 65536, got 0");
  EXPECT_EQ(error_with(kRichData, "model { pepnet { gate_hidden: 0 personal: \"user\" } }"),
            "18: model.pepnet.gate_hidden wants a width from 1 to 65536, got 0");
}

}  // namespace
}  // namespace polyscene::core
