#include "core/data/column_statistics.h"

#include <arrow/array/array_base.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <utility>

#include "core/data/array_values.h"
#include "core/data/list_rows.h"
#include "core/features/batch.h"
#include "ops/base/ratio.h"

namespace polyscene::core {
namespace {

bool is_list(ColumnForm form) { return form == ColumnForm::kIdList || form == ColumnForm::kNumberList; }

bool is_number(ColumnForm form) {
  return form == ColumnForm::kNumber || form == ColumnForm::kLabel || form == ColumnForm::kNumberList;
}

std::string number_text(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.12g", value);
  return text.data();
}

// Units per second of a timestamp or date type; 0 for other types. Negative for dates in days: seconds per unit.
int64_t units_per_second(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DATE32) return -86400;
  if (type.id() == arrow::Type::DATE64) return 1000;
  if (type.id() != arrow::Type::TIMESTAMP) return 0;
  switch (static_cast<const arrow::TimestampType&>(type).unit()) {
    case arrow::TimeUnit::SECOND:
      return 1;
    case arrow::TimeUnit::MILLI:
      return 1000;
    case arrow::TimeUnit::MICRO:
      return 1'000'000;
    case arrow::TimeUnit::NANO:
      return 1'000'000'000;
  }
  return 0;
}

// Value in seconds, rounded down (also before 1970). `units` as from units_per_second().
int64_t in_seconds(int64_t value, int64_t units) {
  if (units < 0) return value * -units;
  return value / units - (value % units < 0 ? 1 : 0);
}

// "2022-05-01 13:45:00", UTC.
std::string date_text(int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  std::array<char, 64> text{};
  if (::gmtime_r(&time, &parts) == nullptr || std::strftime(text.data(), text.size(), "%F %T", &parts) == 0)
    return std::to_string(seconds) + " s";
  return text.data();
}

// The dates that integers most likely stand for: counts since 1970 in the unit that puts both dates between 1980 and
// 2100. Empty if no unit does.
std::string as_dates(int64_t low, int64_t high) {
  constexpr int64_t kFrom = 315'532'800, kTo = 4'102'444'800;
  for (const auto& [units, name] :
       {std::pair<int64_t, const char*>{1, "s"}, {1000, "ms"}, {1'000'000, "us"}, {1'000'000'000, "ns"}})
    if (low / units >= kFrom && high / units < kTo)
      return date_text(in_seconds(low, units)) + " to " + date_text(in_seconds(high, units)) + " if in " + name;
  return "";
}

}  // namespace

void ColumnStatistics::add(const arrow::Array& array) {
  rows_ += array.length();
  nulls_ += array.null_count();
  if (!is_list(form_)) return add_values(array);
  const ListRows lists = list_rows(array);
  for (const int64_t length : lists.length) {
    elements_ += length;
    max_length_ = std::max(max_length_, length);
  }
  null_elements_ += lists.elements->null_count();
  add_values(*lists.elements);
}

void ColumnStatistics::add_values(const arrow::Array& values) {
  if (is_number(form_)) {
    add_numbers(values);
  } else {
    add_keys(values);
  }
}

void ColumnStatistics::add_keys(const arrow::Array& values) {
  keys_.resize(values.length());
  decode_keys(values, keys_.data());
  const arrow::Type::type type = values.type_id();
  const bool inexact = arrow::is_floating(type) || arrow::is_decimal(type);  // may hold values that are not ids
  const bool ordered = arrow::is_integer(type) || inexact, large = type == arrow::Type::UINT64;
  const int64_t a_second = units_per_second(*values.type());
  for (int64_t i = 0; i < values.length(); ++i) {
    if (values.IsNull(i)) continue;
    const int64_t key = keys_[i];
    if (key == kMissingKey && inexact) {
      if (key_fault(values, i).empty()) ++nans_;
      continue;
    }
    distinct_.add(key);
    if (ordered)
      ids_seen_.add({.positive = large || key >= 0, .bits = static_cast<uint64_t>(key)});
    else if (a_second != 0)
      seconds_seen_.add(in_seconds(key, a_second));
  }
}

void ColumnStatistics::add_numbers(const arrow::Array& values) {
  numbers_.resize(values.length());
  decode_numbers(values, numbers_.data());
  for (int64_t i = 0; i < values.length(); ++i) {
    if (values.IsNull(i)) continue;
    const double number = numbers_[i];
    if (std::isnan(number)) {
      ++nans_;
      continue;
    }
    distinct_.add(std::bit_cast<int64_t>(number));
    if (std::isfinite(number)) add_number(number);
  }
}

std::string ColumnStatistics::Id::text() const {
  return positive ? std::to_string(bits) : std::to_string(static_cast<int64_t>(bits));
}

double ColumnStatistics::Id::number() const {
  return positive ? static_cast<double>(bits) : static_cast<double>(static_cast<int64_t>(bits));
}

// Updates mean and squares value by value (Welford, Technometrics 1962), which stays accurate for any number of rows.
void ColumnStatistics::add_number(double number) {
  numbers_seen_.add(number);
  quantiles_.add(number);
  const double before = number - mean_;
  mean_ += before / static_cast<double>(quantiles_.count());
  squares_ += before * (number - mean_);
}

void ColumnStatistics::finish(ColumnReport& report) const {
  report.nulls = nulls_;
  report.null_elements = null_elements_;
  report.nans = nans_;
  report.distinct = distinct_.count();
  report.distinct_exact = distinct_.exact();
  const auto say = [&](const auto& bounds, const auto& text) {
    if (!bounds.any) return;
    report.low = text(bounds.low);
    report.high = text(bounds.high);
  };
  if (numbers_seen_.any) {
    report.min = numbers_seen_.low;
    report.max = numbers_seen_.high;
  }
  if (ids_seen_.any) {
    report.min = ids_seen_.low.number();
    report.max = ids_seen_.high.number();
  }
  say(numbers_seen_, [](double x) { return number_text(x); });
  say(ids_seen_, [](const Id& id) { return id.text(); });
  if (form_ == ColumnForm::kTime && ids_seen_.any) report.dates = as_dates(ids_seen_.low.bits, ids_seen_.high.bits);
  say(seconds_seen_, [](int64_t x) { return date_text(x); });
  if (numbers_seen_.any) {
    report.mean = mean_;
    if (form_ != ColumnForm::kLabel) finish_distribution(report);
  }
  report.list = is_list(form_);
  if (report.list && rows_ > 0) {
    report.mean_length = ratio(elements_, rows_);
    report.max_length = max_length_;
  }
}

void ColumnStatistics::finish_distribution(ColumnReport& report) const {
  report.stddev = std::sqrt(squares_ / static_cast<double>(quantiles_.count()));
  report.quantiles = quantiles_.values();
  if (quantiles_.sampled() < quantiles_.count()) report.sampled = quantiles_.sampled();
}

}  // namespace polyscene::core
