#include <gtest/gtest.h>

#include <sstream>

#include "core/metrics/evaluation.h"

namespace polyscene::core {
namespace {

Evaluation example() {
  Evaluation e;
  e.overall = {1200, 300, 0.75, 0.5, 1.25, 0.875};
  e.grouped = {{"S-GAUC", 0.625, 1, 1, 0.99}, {"GAUC(user)", std::nullopt, 0, 12, 0}};
  e.scenarios = {{1, {1188, 300, 0.75, 0.5, 1.0, 0.9}}, {-12, {12, 0, std::nullopt, 0.25, std::nullopt, std::nullopt}}};
  return e;
}

TEST(EvaluationText, Table) {
  std::ostringstream out;
  example().print(out);
  EXPECT_EQ(
      out.str(),
      "scenario  rows  click rate      AUC  logloss  calibration       NE\n"
      "1         1188      0.2525  0.75000  0.50000       1.0000  0.90000\n"
      "-12         12      0.0000        -  0.25000            -        -\n"
      "overall   1200      0.2500  0.75000  0.50000       1.2500  0.87500\n"
      "S-GAUC 0.62500  mean over 1 group holding both classes, weighted by rows; 1 skipped, 99.00 % of the rows kept\n"
      "GAUC(user) -  mean over 0 groups holding both classes, weighted by rows; 12 skipped, 0.00 % of the rows kept\n");
}

TEST(EvaluationText, NamesTakeThePlaceOfNumbers) {
  Evaluation e = example();
  e.scenarios[0].name = "\xe9\xa6\x96\xe9\xa1\xb5";  // two characters of three bytes and of two columns
  e.scenarios[1].name = "a\tb";
  e.scenarios.push_back({7, {}, ""});
  std::ostringstream out;
  e.print(out);
  EXPECT_EQ(out.str().substr(0, out.str().find("S-GAUC")),
            "scenario  rows  click rate      AUC  logloss  calibration       NE\n"
            "\xe9\xa6\x96\xe9\xa1\xb5      1188      0.2525  0.75000  0.50000       1.0000  0.90000\n"
            "a%09b       12      0.0000        -  0.25000            -        -\n"
            "\"\"           0           -        -        -            -        -\n"
            "overall   1200      0.2500  0.75000  0.50000       1.2500  0.87500\n");
  const std::string json = e.to_json();
  for (const char* entry :
       {"{\"scenario\":\"\xe9\xa6\x96\xe9\xa1\xb5\",", "{\"scenario\":\"a\\tb\",", "{\"scenario\":\"\","})
    EXPECT_NE(json.find(entry), std::string::npos) << entry << " in " << json;
}

// Programs that take JSON's numbers for doubles would round them.
TEST(EvaluationText, NumbersBeyondADoubleAreStringsInJson) {
  Evaluation e;
  for (const int64_t scenario : {int64_t{1} << 53, (int64_t{1} << 53) + 1, -(int64_t{1} << 53) - 1})
    e.scenarios.push_back({scenario, {}});
  const std::string json = e.to_json();
  for (const char* entry :
       {"\"scenario\":9007199254740992,", "\"scenario\":\"9007199254740993\",", "\"scenario\":\"-9007199254740993\","})
    EXPECT_NE(json.find(entry), std::string::npos) << entry << " in " << json;
}

TEST(EvaluationText, TableWithoutRows) {
  std::ostringstream out;
  Evaluation().print(out);
  EXPECT_EQ(out.str(),
            "scenario  rows  click rate  AUC  logloss  calibration  NE\n"
            "overall      0           -    -        -            -   -\n");
}

TEST(EvaluationText, JsonIsOneLineWithNullForUndefined) {
  const std::string wanted =
      R"js({"rows":1200,"positives":300,"click_rate":0.25,"auc":0.75,"logloss":0.5,"calibration":1.25,)js"
      R"js("normalized_entropy":0.875,)js"
      R"js("grouped":[{"name":"S-GAUC","value":0.625,"groups_used":1,"groups_skipped":1,"rows_kept_share":0.99},)js"
      R"js({"name":"GAUC(user)","value":null,"groups_used":0,"groups_skipped":12,"rows_kept_share":0.0}],)js"
      R"js("scenarios":[{"scenario":1,"rows":1188,"positives":300,"click_rate":0.25252525252525254,"auc":0.75,)js"
      R"js("logloss":0.5,"calibration":1.0,"normalized_entropy":0.9},{"scenario":-12,"rows":12,"positives":0,)js"
      R"js("click_rate":0.0,"auc":null,"logloss":0.25,"calibration":null,"normalized_entropy":null}]})js";
  EXPECT_EQ(example().to_json(), wanted);
}

}  // namespace
}  // namespace polyscene::core
