#include "core/serve/request.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/config/suggest.h"
#include "core/data/column_request.h"
#include "core/data/value_rules.h"
#include "ops/base/error.h"

namespace polyscene {
namespace {

using config::Feature;

template <class... Parts>
void check_row(bool ok, int64_t row, const std::string& column, const Parts&... why) {
  require(ok, "[serve] row ", row, ", column \"", column, "\": ", why...);
}

}  // namespace

Request::Request(const config::Data& data, const FeatureSchema& schema, int64_t rows)
    : data_(data), schema_(schema), rows_(rows) {
  require(rows >= 0 && rows <= std::numeric_limits<int32_t>::max(), "[serve] wanted 0 to 2147483647 rows, got ", rows);
  config::Data features = data;
  features.clear_label();
  features.clear_group();
  features.clear_scenario_column();
  features.clear_row_key_column();
  features.clear_time_column();
  for (const ColumnRequest& request : column_requests(features)) known_.push_back(request.column);
}

Request::Column& Request::column(std::string_view name, size_t values, std::span<const int64_t> offsets) {
  require(std::ranges::find(known_, name) != known_.end(), "[serve] no feature of the model reads a column \"", name,
          "\"", config_text::suggestion(name, known_));
  Column& found = columns_[std::string(name)];
  if (offsets.data() == nullptr) {
    require(static_cast<int64_t>(values) == rows_, "[serve] column \"", name, "\": wanted ", rows_, " values, got ",
            values);
    return found;
  }
  const bool sound = static_cast<int64_t>(offsets.size()) == rows_ + 1 && offsets.front() == 0 &&
                     std::ranges::is_sorted(offsets) && offsets.back() == static_cast<int64_t>(values);
  require(sound, "[serve] column \"", name, "\": wanted ", rows_ + 1, " offsets that ascend from 0 to the ", values,
          " values, got others");
  require(found.offsets.empty() || std::ranges::equal(found.offsets, offsets), "[serve] column \"", name,
          "\" was given lists of other lengths before");
  found.offsets.assign(offsets.begin(), offsets.end());
  return found;
}

void Request::set_ids(std::string_view name, std::span<const int64_t> ids) {
  column(name, ids.size(), {}).keys.assign(ids.begin(), ids.end());
}

void Request::set_strings(std::string_view name, std::span<const std::string_view> strings) {
  std::vector<int64_t>& keys = column(name, strings.size(), {}).keys;
  keys.clear();
  for (const std::string_view text : strings)
    keys.push_back(text.data() == nullptr ? kMissingKey : hash_key(text.data(), text.size()));
}

void Request::set_numbers(std::string_view name, std::span<const double> numbers) {
  column(name, numbers.size(), {}).numbers.assign(numbers.begin(), numbers.end());
}

void Request::set_id_lists(std::string_view name, std::span<const int64_t> offsets, std::span<const int64_t> ids) {
  column(name, ids.size(), offsets).keys.assign(ids.begin(), ids.end());
}

void Request::set_string_lists(std::string_view name, std::span<const int64_t> offsets,
                               std::span<const std::string_view> strings) {
  std::vector<int64_t>& keys = column(name, strings.size(), offsets).keys;
  keys.clear();
  for (const std::string_view text : strings) keys.push_back(hash_key(text.data(), text.size()));
}

void Request::set_number_lists(std::string_view name, std::span<const int64_t> offsets,
                               std::span<const double> numbers) {
  column(name, numbers.size(), offsets).numbers.assign(numbers.begin(), numbers.end());
}

const Request::Column* Request::find(const std::string& name) const {
  const auto found = columns_.find(name);
  return found == columns_.end() ? nullptr : &found->second;
}

void Request::add_field(Batch& batch, const std::string& name, const config::Categorical& field) const {
  const Column* column = find(name);
  require(column == nullptr || !column->keys.empty() || rows_ == 0, "[serve] column \"", name,
          "\": wanted ids or strings, one per row");
  const KeyLimits limits = key_limits(field);
  std::vector<int64_t>& keys = batch.fields.emplace_back(static_cast<size_t>(rows_), kMissingKey);
  for (int64_t row = 0; row < rows_; ++row) {
    int64_t& key = keys[static_cast<size_t>(row)];
    if (column != nullptr) key = column->keys[static_cast<size_t>(row)];
    if (key == kMissingKey)
      check_row(field.nullable(), row, name, "null, but not nullable");
    else
      check_row(limits.hold(key), row, name, "id ", key, " outside [", limits.min, ", ", limits.max, "]");
  }
}

void Request::add_number(Batch& batch, const std::string& name, const config::Number& number, size_t slot,
                         size_t slots) const {
  const Column* column = find(name);
  require(column == nullptr || !column->numbers.empty() || rows_ == 0, "[serve] column \"", name,
          "\": wanted numbers, one per row");
  const NumberTransform transform(number);
  const bool bucketed = number.boundary_size() > 0;
  const std::vector<double> boundaries(number.boundary().begin(), number.boundary().end());
  if (bucketed) batch.fields.emplace_back(static_cast<size_t>(rows_), kMissingKey);
  for (int64_t row = 0; row < rows_; ++row) {
    const auto at = static_cast<size_t>(row);
    const double x = column == nullptr ? std::nan("") : column->numbers[at];
    check_row(!std::isinf(x), row, name, "infinite");
    check_row(number.nullable() || !std::isnan(x), row, name, "null or NaN, but not nullable");
    if (bucketed) {
      if (!std::isnan(x)) batch.fields.back()[at] = bucket_of(boundaries, transform(x));
      continue;
    }
    const float value = std::isnan(x) ? 0 : static_cast<float>(transform(x));
    check_row(std::isfinite(value), row, name, "too large for a 32-bit float: ", x);
    batch.numbers[at * slots + slot] = value;
  }
}

void Request::add_bag(Batch& batch, const std::string& name, const config::Bag& bag) const {
  const Column* ids = find(name);
  const Column* weights = bag.has_weight_column() ? find(bag.weight_column()) : nullptr;
  require(ids == nullptr || !ids->offsets.empty(), "[serve] column \"", name, "\": wanted lists of ids or strings");
  require(!bag.has_weight_column() || (ids == nullptr) == (weights == nullptr), "[serve] columns \"", name, "\" and \"",
          bag.weight_column(), "\" go together: wanted both or neither");
  BagBatch& out = batch.bags.emplace_back();
  out.offsets = {0};
  for (int64_t row = 0; row < rows_; ++row) {
    const auto at = static_cast<size_t>(row);
    check_row(ids != nullptr || bag.nullable(), row, name, "null list, but not nullable");
    if (ids != nullptr) {
      const auto begin = static_cast<size_t>(ids->offsets[at]), end = static_cast<size_t>(ids->offsets[at + 1]);
      std::vector<double> of_row;
      if (weights != nullptr) {
        const bool same = weights->offsets.size() == ids->offsets.size() && weights->offsets[at] == ids->offsets[at] &&
                          weights->offsets[at + 1] == ids->offsets[at + 1];
        check_row(same, row, bag.weight_column(), "another length than \"", name, "\"");
        of_row.assign(weights->numbers.begin() + ids->offsets[at], weights->numbers.begin() + ids->offsets[at + 1]);
        for (const double weight : of_row)
          check_row(weight >= 0 && std::isfinite(static_cast<float>(weight)), row, bag.weight_column(),
                    "a weight is negative, NaN or infinite");
      }
      const auto length = static_cast<int64_t>(end - begin), kept = std::min<int64_t>(length, bag.max_length());
      for (const int64_t place : heaviest(of_row, length, kept)) {
        const int64_t key = ids->keys[begin + static_cast<size_t>(place)];
        check_row(key != kMissingKey || bag.nullable(), row, name, "null in list, but not nullable");
        out.keys.push_back(key);
        if (weights != nullptr) out.weights.push_back(static_cast<float>(of_row[static_cast<size_t>(place)]));
      }
    }
    out.offsets.push_back(static_cast<int32_t>(out.keys.size()));
  }
}

void Request::add_sequence(Batch& batch, const config::Sequence& sequence) const {
  SequenceBatch& out = batch.sequences.emplace_back();
  out.offsets = {0};
  out.sides.resize(static_cast<size_t>(sequence.side_size()));
  const std::string& first_name = sequence.side(0).column();
  const Column* first = find(first_name);
  for (int s = 0; s < sequence.side_size(); ++s) {
    const std::string& name = sequence.side(s).column();
    const Column* side = find(name);
    require((side == nullptr) == (first == nullptr), "[serve] columns \"", first_name, "\" and \"", name,
            "\" go together: wanted all sides of the sequence or none");
    require(side == nullptr || !side->offsets.empty(), "[serve] column \"", name, "\": wanted lists of ids or strings");
    for (int64_t row = 0; row < rows_; ++row) {
      const auto at = static_cast<size_t>(row);
      check_row(side != nullptr || sequence.nullable(), row, name, "null list, but not nullable");
      if (side != nullptr) {
        const int64_t begin = side->offsets[at], end = side->offsets[at + 1];
        check_row(begin == first->offsets[at] && end == first->offsets[at + 1], row, name, "another length than \"",
                  first_name, "\"");
        for (int64_t i = std::max(begin, end - sequence.max_length()); i < end; ++i) {
          const int64_t key = side->keys[static_cast<size_t>(i)];
          check_row(key != kMissingKey || sequence.nullable(), row, name, "null in list, but not nullable");
          out.sides[static_cast<size_t>(s)].push_back(key);
        }
      }
      if (s == 0) out.offsets.push_back(static_cast<int32_t>(out.sides[0].size()));
    }
  }
}

Batch Request::batch() const {
  Batch batch;
  batch.rows = batch.global_rows = rows_;
  const size_t slots = schema_.numbers.size();
  batch.numbers.resize(static_cast<size_t>(rows_) * slots);
  size_t slot = 0;
  for (const Feature& feature : data_.feature()) {
    const std::string& name = feature.name();
    switch (feature.kind_case()) {
      case Feature::kCategorical:
        add_field(batch, column_of(feature.categorical(), name), feature.categorical());
        break;
      case Feature::kNumber:
        add_number(batch, column_of(feature.number(), name), feature.number(), slot, slots);
        if (feature.number().boundary_size() == 0) ++slot;
        break;
      case Feature::kBag:
        add_bag(batch, column_of(feature.bag(), name), feature.bag());
        break;
      case Feature::kSequence:
        add_sequence(batch, feature.sequence());
        break;
      case Feature::KIND_NOT_SET:
        break;
    }
  }
  return batch;
}

}  // namespace polyscene
