#include <algorithm>
#include <iomanip>
#include <ostream>

#include "core/data/file_list.h"
#include "core/data/inspect.h"
#include "core/data/quantiles.h"
#include "core/text/table.h"
#include "ops/base/error.h"
#include "ops/base/ratio.h"

namespace polyscene::core {
namespace {

std::string number(double value, int digits = 6) {
  std::ostringstream out;
  out << std::setprecision(digits) << value;
  return std::move(out).str();
}

std::string percent(double share) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(2) << 100 * share << " %";
  return std::move(out).str();
}

// Prints the parts separated by commas, on as many lines as needed, each indented by `indent` spaces.
void print_parts(std::ostream& out, const std::vector<std::string>& parts, size_t indent) {
  std::string line;
  const auto end_line = [&] { out << std::string(indent, ' ') << line << '\n'; };
  for (const std::string& part : parts) {
    if (!line.empty() && indent + columns_of(line) + 2 + columns_of(part) + 1 > kTerminalColumns) {
      line += ',';
      end_line();
      line.clear();
    }
    line += (line.empty() ? "" : ", ") + part;
  }
  if (!line.empty()) end_line();
}

std::string quantile_name(double share) { return share == 0.5 ? "median" : number(100 * share) + " %"; }

void print_values(std::ostream& out, const ColumnReport& c) {
  std::vector<std::string> parts;
  if (c.nulls > 0 || c.null_elements > 0)
    parts.push_back(str("nulls ", c.nulls, c.null_elements > 0 ? str("+", c.null_elements) : ""));
  if (c.nans > 0) parts.push_back(str("NaN ", c.nans));
  if (c.list) parts.push_back(str("mean length ", number(c.mean_length, 4), ", longest ", c.max_length));
  parts.push_back(str(c.distinct_exact ? "" : "~", c.distinct, " distinct"));
  if (!c.low.empty()) parts.push_back(c.low + " to " + c.high);
  if (!c.dates.empty()) parts.push_back(c.dates);
  if (c.mean) parts.push_back("mean " + number(*c.mean));
  if (c.stddev) parts.push_back("standard deviation " + number(*c.stddev));
  print_parts(out, parts, 4);
}

void print_quantiles(std::ostream& out, const ColumnReport& c) {
  if (c.quantiles.empty()) return;
  std::vector<std::string> parts;
  for (size_t i = 0; i < c.quantiles.size(); ++i)
    parts.push_back(quantile_name(Quantiles::kShares[i]) + " " + number(c.quantiles[i], 5));
  if (c.sampled > 0) parts.push_back(str("of a sample of ", c.sampled));
  print_parts(out, parts, 4);
}

void print_columns(std::ostream& out, const DataReport& report) {
  out << "\ncolumns (nulls of lists: null lists + null elements; ~: estimated)\n";
  for (const ColumnReport& column : report.columns) {
    out << "  " << visible(column.user) << ": column \"" << visible(column.column) << "\", " << visible(column.type)
        << '\n';
    print_values(out, column);
    print_quantiles(out, column);
  }
}

void print_scenarios(std::ostream& out, const DataReport& report) {
  Table table{.rows = {{"scenario", "rows", "share"}}, .indent = 2};
  for (const auto& label : report.labels) table.rows[0].push_back("rate of " + label);
  const double good = static_cast<double>(std::max<int64_t>(1, report.rows - report.bad_rows));
  for (const ScenarioReport& scenario : report.scenarios) {
    table.rows.push_back({scenario.name.empty() ? "\"\"" : scenario.name, std::to_string(scenario.rows),
                          percent(static_cast<double>(scenario.rows) / good)});
    for (const double rate : scenario.label_rates) table.rows.back().push_back(number(rate, 4));
  }
  out << "\nscenarios\n";
  print_table(out, table);
  if (!report.scenario_note.empty()) out << report.scenario_note << '\n';
}

void print_bad(std::ostream& out, const DataReport& report) {
  const double share = ratio(report.bad_rows, std::max<int64_t>(1, report.rows));
  out << "\nbad rows: " << report.bad_rows << " (" << percent(share) << ")";
  if (share > report.max_bad_share)
    out << "\nTraining or scoring would fail: data.max_bad_share allows " << percent(report.max_bad_share);
  out << '\n';
  for (const auto& [reason, count] : report.bad_by_reason) out << "  " << count << "  " << visible(reason) << '\n';
  if (!report.first_bad.empty()) out << "first " << report.first_bad.size() << ":\n";
  for (const BadRow& bad : report.first_bad) {
    out << "  " << visible(bad.file) << " row " << bad.row << ", column \"" << visible(bad.column)
        << "\": " << visible(bad.reason) << ", got " << visible(bad.value) << '\n';
  }
  if (!report.hint.empty()) out << report.hint << '\n';
}

}  // namespace

void print(std::ostream& out, const DataReport& report) {
  out << "split " << split_name(report.split) << ": " << report.rows << " rows in " << report.files << " file(s), "
      << report.row_groups << " row groups, " << number(static_cast<double>(report.size_bytes) / 1e6, 4) << " MB\n";
  print_columns(out, report);
  if (report.sequences_cut > 0 || report.bags_cut > 0) {
    out << "\ncut to max_length: " << report.sequences_cut << " sequences, " << report.bags_cut << " bags\n";
  }
  if (!report.scenarios.empty()) print_scenarios(out, report);
  print_bad(out, report);
}

}  // namespace polyscene::core
