#include <algorithm>
#include <iomanip>
#include <ostream>

#include "core/data/file_list.h"
#include "core/data/inspect.h"
#include "ops/base/error.h"

namespace polyscene {
namespace {

using Row = std::vector<std::string>;

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

// Columns as wide as their widest cell; the first `left` ones flush left.
void print_table(std::ostream& out, const std::vector<Row>& rows, size_t left) {
  std::vector<size_t> width;
  for (const Row& row : rows) {
    width.resize(std::max(width.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  for (const Row& row : rows) {
    std::string line = " ";
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string pad(width[i] - row[i].size(), ' ');
      line += ' ';
      line += i < left ? row[i] + pad : pad + row[i];
      line += ' ';
    }
    out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
}

Row column_row(const ColumnReport& c) {
  return {c.user,
          c.column,
          c.type,
          std::to_string(c.nulls) + (c.null_elements > 0 ? str("+", c.null_elements) : ""),
          std::to_string(c.nans),
          str(c.distinct_exact ? "" : "~", c.distinct),
          !c.min_id.empty() ? c.min_id
          : c.min           ? number(*c.min, 12)
                            : "-",
          !c.max_id.empty() ? c.max_id
          : c.max           ? number(*c.max, 12)
                            : "-",
          c.list ? number(c.mean_length, 4) : "-",
          c.list ? std::to_string(c.max_length) : "-"};
}

void print_columns(std::ostream& out, const DataReport& report) {
  std::vector<Row> rows = {
      {"used by", "column", "type", "nulls", "NaN", "distinct", "min", "max", "mean length", "max length"}};
  for (const ColumnReport& column : report.columns) rows.push_back(column_row(column));
  out << "\ncolumns (nulls of lists: null lists + null elements; ~: estimated)\n";
  print_table(out, rows, 3);
}

void print_scenarios(std::ostream& out, const DataReport& report) {
  Row header = {"scenario", "rows", "share"};
  for (const auto& label : report.labels) header.push_back("rate of " + label);
  std::vector<Row> rows = {header};
  const double good = static_cast<double>(std::max<int64_t>(1, report.rows - report.bad_rows));
  for (const ScenarioReport& scenario : report.scenarios) {
    rows.push_back({scenario.name, std::to_string(scenario.rows), percent(static_cast<double>(scenario.rows) / good)});
    for (const double rate : scenario.label_rates) rows.back().push_back(number(rate, 4));
  }
  out << "\nscenarios\n";
  print_table(out, rows, 1);
}

void print_bad(std::ostream& out, const DataReport& report) {
  const double share = static_cast<double>(report.bad_rows) / static_cast<double>(std::max<int64_t>(1, report.rows));
  out << "\nbad rows: " << report.bad_rows << " (" << percent(share) << ")\n";
  for (const auto& [reason, count] : report.bad_by_reason) out << "  " << count << "  " << reason << '\n';
  if (!report.first_bad.empty()) out << "first " << report.first_bad.size() << ":\n";
  for (const BadRow& bad : report.first_bad) {
    out << "  " << bad.file << " row " << bad.row << ", column \"" << bad.column << "\": " << bad.reason << ", got "
        << bad.value << '\n';
  }
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

}  // namespace polyscene
