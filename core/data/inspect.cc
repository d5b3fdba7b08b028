#include "core/data/inspect.h"

#include <arrow/record_batch.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "core/data/array_values.h"
#include "core/data/column_statistics.h"
#include "core/data/decoder.h"
#include "core/data/nullable_hint.h"
#include "core/data/parquet_file.h"
#include "core/data/read_plan.h"
#include "core/data/scenario_note.h"
#include "core/features/value_faults.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

constexpr int64_t kRowsPerRead = 4096;
constexpr size_t kFirstBad = 20;

// Counts good rows and labels per scenario.
class ScenarioStatistics {
 public:
  explicit ScenarioStatistics(size_t labels) : labels_(labels) {}

  // names: the scenario column, or null without one.
  void add(const Window& window, const arrow::Array* names) {
    for (int64_t row = 0; row < window.rows(); ++row) {
      const size_t r = row;
      if (window.bad[r] != 0) continue;
      Count& count = counts_[window.columns.scenario[r]];
      if (count.rows++ == 0) {
        count.name = names != nullptr ? value_text(*names, row) : "all";
        count.ones.resize(labels_);
      }
      for (size_t l = 0; l < labels_; ++l) count.ones[l] += window.columns.labels[l][r];
    }
  }

  [[nodiscard]] std::vector<ScenarioReport> reports() const {
    std::vector<ScenarioReport> all;
    for (const auto& [key, count] : counts_) {
      ScenarioReport report{.name = count.name, .rows = count.rows, .label_rates = {}};
      for (const double ones : count.ones) report.label_rates.push_back(ones / static_cast<double>(count.rows));
      all.push_back(std::move(report));
    }
    std::sort(all.begin(), all.end(), [](const ScenarioReport& a, const ScenarioReport& b) {
      return a.rows != b.rows ? a.rows > b.rows : a.name < b.name;
    });
    return all;
  }

 private:
  struct Count {
    std::string name;
    int64_t rows = 0;
    std::vector<double> ones;
  };
  size_t labels_;
  std::unordered_map<int64_t, Count> counts_;
};

class Inspector {
 public:
  Inspector(const config::Data& data, Split split)
      : data_(data),
        schema_(FeatureSchema::from(data)),
        requests_(column_requests(data)),
        columns_(requests_),
        decoder_(data, schema_, columns_),
        split_(open_split(data, split, requests_, IdKinds(data))),
        scenarios_(schema_.labels.size()) {
    for (const auto& request : requests_) statistics_.emplace_back(request.form);
    report_.split = split;
    report_.max_bad_share = data.max_bad_share();
  }

  DataReport run() {
    require_apart(data_);
    for (const Unit& unit : split_.units)
      if (unit.rows > 0) read(unit);
    report_.files = std::ssize(split_.files);
    report_.row_groups = std::ssize(split_.units);
    report_.rows = split_.rows;
    for (const SplitFile& file : split_.files) report_.size_bytes += file.size_bytes;
    report_.labels = schema_.labels;
    report_.scenario_note = scenario_note(data_);
    report_.scenarios = scenarios_.reports();
    report_.hint = nullable_hint(data_, null_columns_);
    report_columns();
    return std::move(report_);
  }

 private:
  void read(const Unit& unit) {
    const SplitFile& entry = split_.files[unit.file];
    ParquetFile file(entry.path, entry.metadata);
    file.open_row_group(unit.row_group, columns_.names(), kRowsPerRead);
    int64_t row = 0;
    while (const auto batch = file.next()) {
      add(*batch, unit, row);
      row += batch->num_rows();
    }
  }

  void add(const arrow::RecordBatch& batch, const Unit& unit, int64_t row) {
    for (size_t i = 0; i < requests_.size(); ++i) {
      statistics_[i].add(*batch.column(columns_.index(requests_[i].column)));
    }
    window_.clear();
    decoder_.append(batch, {.file = unit.file, .first_in_file = unit.first_in_file + row}, window_);
    const std::string& scenario = data_.scenario_column();
    const auto names = scenario.empty() ? nullptr : batch.column(columns_.index(scenario));
    scenarios_.add(window_, names.get());
    count_rows();
  }

  void count_rows() {
    for (size_t r = 0; r < window_.bad.size(); ++r) {
      if (window_.bad[r] != 0) continue;
      report_.sequences_cut += window_.sequences_cut[r];
      report_.bags_cut += window_.bags_cut[r];
    }
    std::sort(window_.rejects.begin(), window_.rejects.end(),
              [](const Reject& a, const Reject& b) { return a.row < b.row; });
    for (const Reject& reject : window_.rejects) {
      ++report_.bad_rows;
      ++report_.bad_by_reason[str('"', reject.column, "\": ", reject.reason)];
      if (is_missing_fault(reject.reason)) null_columns_.insert(reject.column);
      if (report_.first_bad.size() == kFirstBad) continue;
      const RowSpan& span = window_.span_of(reject.row);
      report_.first_bad.push_back({.file = split_.files[span.file].path,
                                   .column = reject.column,
                                   .reason = reject.reason,
                                   .value = reject.value,
                                   .row = span.first_in_file + reject.row - span.first});
    }
  }

  void report_columns() {
    const auto holds_rows = [](const SplitFile& file) { return file.rows > 0; };
    const auto found = std::ranges::find_if(split_.files, holds_rows);
    const SplitFile& entry = found == split_.files.end() ? split_.files.front() : *found;
    const ParquetFile first(entry.path, entry.metadata);
    for (size_t i = 0; i < requests_.size(); ++i) {
      ColumnReport column;
      column.user = requests_[i].user;
      column.column = requests_[i].column;
      column.type = first.type_of(requests_[i].column);
      statistics_[i].finish(column);
      report_.columns.push_back(std::move(column));
    }
  }

  const config::Data& data_;
  FeatureSchema schema_;
  std::vector<ColumnRequest> requests_;
  ColumnSet columns_;
  RowDecoder decoder_;
  SplitFiles split_;
  std::vector<ColumnStatistics> statistics_;
  ScenarioStatistics scenarios_;
  Window window_;
  std::set<std::string> null_columns_;  // columns whose nulls made rows bad
  DataReport report_;
};

}  // namespace

DataReport inspect(const config::Data& data, Split split) { return Inspector(data, split).run(); }

}  // namespace polyscene::core
