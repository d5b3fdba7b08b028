// Output of an evaluation: JSON for tools, a table for people.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ostream>

#include "core/metrics/evaluation.h"
#include "core/text/table.h"
#include "ops/base/error.h"
#include "ops/base/ratio.h"

namespace polyscene::core {
namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson or_null(const std::optional<double>& x) { return x ? OrderedJson(*x) : OrderedJson(nullptr); }

double click_rate(const Metrics& m) { return m.rows ? ratio(m.positives, m.rows) : 0; }

OrderedJson json_of(const Metrics& m) {
  return {{"rows", m.rows},
          {"positives", m.positives},
          {"click_rate", m.rows ? OrderedJson(click_rate(m)) : OrderedJson(nullptr)},
          {"auc", or_null(m.auc)},
          {"logloss", or_null(m.logloss)},
          {"calibration", or_null(m.calibration)},
          {"normalized_entropy", or_null(m.normalized_entropy)}};
}

// Many JSON readers parse numbers as doubles, which hold only 53 bits.
OrderedJson scenario_of(const ScenarioMetrics& s) {
  constexpr int64_t kExact = int64_t{1} << 53;
  if (s.name || s.scenario > kExact || s.scenario < -kExact) return s.text();
  return s.scenario;
}

std::string fixed(const std::optional<double>& x, int decimals) {
  if (!x) return "-";
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, *x);
  return text;
}

Table::Row cells_of(const std::string& name, const Metrics& m) {
  return {name,
          std::to_string(m.rows),
          fixed(m.rows ? std::optional(click_rate(m)) : std::nullopt, 4),
          fixed(m.auc, 5),
          fixed(m.logloss, 5),
          fixed(m.calibration, 4),
          fixed(m.normalized_entropy, 5)};
}

const char* plural(int64_t n) { return n == 1 ? "" : "s"; }

}  // namespace

std::string Evaluation::to_json() const {
  OrderedJson json = json_of(overall);
  json["grouped"] = OrderedJson::array();
  for (const GroupedAuc& g : grouped)
    json["grouped"].push_back({{"name", g.name},
                               {"value", or_null(g.value)},
                               {"groups_used", g.groups_used},
                               {"groups_skipped", g.groups_skipped},
                               {"rows_kept_share", g.rows_kept_share}});
  json["scenarios"] = OrderedJson::array();
  for (const ScenarioMetrics& s : scenarios) {
    OrderedJson entry = {{"scenario", scenario_of(s)}};
    entry.update(json_of(s.metrics));
    json["scenarios"].push_back(std::move(entry));
  }
  return json.dump();
}

void Evaluation::print(std::ostream& out) const {
  Table table{.rows = {{"scenario", "rows", "click rate", "AUC", "logloss", "calibration", "NE"}}};
  for (const ScenarioMetrics& s : scenarios)
    table.rows.push_back(cells_of(s.text().empty() ? "\"\"" : s.text(), s.metrics));
  table.rows.push_back(cells_of("overall", overall));
  print_table(out, table);
  for (const GroupedAuc& g : grouped)
    out << visible(g.name) << ' ' << fixed(g.value, 5) << "  mean over " << g.groups_used << " group"
        << plural(g.groups_used) << " holding both classes, weighted by rows; " << g.groups_skipped << " skipped, "
        << fixed(100 * g.rows_kept_share, 2) << " % of the rows kept\n";
}

}  // namespace polyscene::core
