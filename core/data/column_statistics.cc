#include "core/data/column_statistics.h"

#include <arrow/array/array_base.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/data/array_values.h"
#include "core/data/list_rows.h"

namespace polyscene {
namespace {

bool is_list(ColumnForm form) { return form == ColumnForm::kIdList || form == ColumnForm::kNumberList; }

bool is_number(ColumnForm form) {
  return form == ColumnForm::kNumber || form == ColumnForm::kLabel || form == ColumnForm::kNumberList;
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
  keys_.resize(static_cast<size_t>(values.length()));
  decode_keys(values, keys_.data());
  const bool ordered = arrow::is_integer(values.type_id()), large = values.type_id() == arrow::Type::UINT64;
  for (int64_t i = 0; i < values.length(); ++i) {
    if (values.IsNull(i)) continue;
    const int64_t key = keys_[static_cast<size_t>(i)];
    distinct_.add(key);
    if (!ordered) continue;
    const double number = large ? static_cast<double>(static_cast<uint64_t>(key)) : static_cast<double>(key);
    add_bounds(number, number);
    const Id id{.positive = large || key >= 0, .bits = static_cast<uint64_t>(key)};
    min_id_ = min_id_ ? std::min(*min_id_, id) : id;
    max_id_ = max_id_ ? std::max(*max_id_, id) : id;
  }
}

void ColumnStatistics::add_numbers(const arrow::Array& values) {
  numbers_.resize(static_cast<size_t>(values.length()));
  decode_numbers(values, numbers_.data());
  for (int64_t i = 0; i < values.length(); ++i) {
    if (values.IsNull(i)) continue;
    const double number = numbers_[static_cast<size_t>(i)];
    if (std::isnan(number)) {
      ++nans_;
      continue;
    }
    distinct_.add(std::bit_cast<int64_t>(number));
    if (std::isfinite(number)) add_bounds(number, number);
  }
}

std::string ColumnStatistics::Id::text() const {
  return positive ? std::to_string(bits) : std::to_string(static_cast<int64_t>(bits));
}

void ColumnStatistics::add_bounds(double low, double high) {
  min_ = bounded_ ? std::min(min_, low) : low;
  max_ = bounded_ ? std::max(max_, high) : high;
  bounded_ = true;
}

void ColumnStatistics::finish(ColumnReport& report) const {
  report.nulls = nulls_;
  report.null_elements = null_elements_;
  report.nans = nans_;
  report.distinct = distinct_.count();
  report.distinct_exact = distinct_.exact();
  if (bounded_) {
    report.min = min_;
    report.max = max_;
  }
  if (min_id_) {
    report.min_id = min_id_->text();
    report.max_id = max_id_->text();
  }
  report.list = is_list(form_);
  if (report.list && rows_ > 0) {
    report.mean_length = static_cast<double>(elements_) / static_cast<double>(rows_);
    report.max_length = max_length_;
  }
}

}  // namespace polyscene
