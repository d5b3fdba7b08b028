#include "core/serve/request.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/features/column_request.h"
#include "core/features/value_faults.h"
#include "core/features/value_rules.h"
#include "core/text/suggest.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

using config::Feature;

// Refuses the request unless `fault`, which is of a value of the row, is "". `got`: the value, where it tells more.
template <class... Got>
void check_row(const std::string& fault, int64_t row, const std::string& column, const Got&... got) {
  require(fault.empty(), "[serve] row ", row, ", column \"", column, "\": ", fault, got...);
}

// How to set a column of a form, for messages.
struct Setter {
  const char* values;
  const char* functions;
};

Setter setter_of(ColumnForm form) {
  switch (form) {
    case ColumnForm::kIntegerId:
      return {"ids, one per row (it has min_id or max_id)", "polyscene_set_ids()"};
    case ColumnForm::kNumber:
      return {"numbers, one per row", "polyscene_set_numbers()"};
    case ColumnForm::kIdList:
      return {"lists of ids or strings", "polyscene_set_id_lists() or polyscene_set_string_lists()"};
    case ColumnForm::kNumberList:
      return {"lists of numbers", "polyscene_set_number_lists()"};
    default:
      return {"ids or strings, one per row", "polyscene_set_ids() or polyscene_set_strings()"};
  }
}

std::vector<int64_t> keys_of(std::string_view column, const Strings& strings) {
  std::vector<int64_t> keys;
  keys.reserve(strings.texts.size());
  for (size_t i = 0; i < strings.texts.size(); ++i) {
    const char* const text = strings.texts[i];
    const size_t bytes = text == nullptr ? 0 : strings.lengths[i];
    require(bytes <= kMostStringBytes, "[serve] column \"", column, "\": wanted strings of at most ", kMostStringBytes,
            " bytes, got ", bytes);
    keys.push_back(text == nullptr ? kMissingKey : hash_key(text, bytes));
  }
  return keys;
}

}  // namespace

Request::Request(const config::Data& data, const FeatureSchema& schema, int64_t rows)
    : data_(data), schema_(schema), rows_(rows), trained_(data) {
  require(rows >= 0 && rows <= kMostRequestRows, "[serve] wanted 0 to ", kMostRequestRows, " rows, got ", rows,
          rows < 0 ? "" : "; score them in several requests");
  config::Data features = data;
  features.clear_label();
  features.clear_group();
  features.clear_scenario_column();
  features.clear_row_key_column();
  features.clear_time_column();
  wanted_ = column_requests(features);
  std::map<std::string, bool> is_list;
  for (const ColumnRequest& wanted : wanted_) {
    const bool list = wanted.form == ColumnForm::kIdList || wanted.form == ColumnForm::kNumberList;
    require(is_list.emplace(wanted.column, list).first->second == list, "[serve] column \"", wanted.column,
            "\" is read as lists and as one value per row: no model was trained so; export it again");
  }
}

void Request::check_kind(std::string_view name, const Kind& given) const {
  const ColumnRequest* unfit = nullptr;
  for (const ColumnRequest& wanted : wanted_) {
    if (wanted.column != name) continue;
    if (std::ranges::find(given.forms, wanted.form) != given.forms.end()) return check_ids(wanted, given);
    unfit = &wanted;
  }
  if (unfit == nullptr) refuse_name(name);
  const Setter setter = setter_of(unfit->form);
  throw InvalidArgument(str("[serve] column \"", name, "\": wanted ", setter.values, ", got ", given.name,
                            "; set it with ", setter.functions));
}

// A string's key is its hash, so strings would find no row in a table of integers.
void Request::check_ids(const ColumnRequest& wanted, const Kind& given) const {
  const auto trained = trained_.of_table(wanted.table);
  if (!trained || !given.ids || *trained == *given.ids) return;
  throw InvalidArgument(str("[serve] column \"", wanted.column, "\": wanted ", id_kind_name(*trained),
                            ", which the model was trained with, got ", given.name));
}

void Request::refuse_name(std::string_view name) const {
  constexpr size_t kMostBytes = 200;  // longer names are not compared with the columns
  const std::string refused = "[serve] no feature of the model reads a column \"";
  require(name.size() <= kMostBytes, refused, name.substr(0, kMostBytes), "...\"");
  std::vector<std::string> known;
  for (const ColumnRequest& wanted : wanted_) known.push_back(wanted.column);
  throw InvalidArgument(str(refused, name, "\"", config_text::suggestion(name, known)));
}

void Request::check_values(std::string_view name, const Kind& given, size_t values) const {
  check_kind(name, given);
  require(static_cast<int64_t>(values) == rows_, "[serve] column \"", name, "\": wanted ", rows_, " values, got ",
          values);
}

void Request::check_lists(std::string_view name, const Kind& given, std::span<const int64_t> offsets,
                          size_t values) const {
  check_kind(name, given);
  require(static_cast<int64_t>(values) <= kMostRequestValues, "[serve] column \"", name, "\": wanted at most ",
          kMostRequestValues, " values in all lists, got ", values, "; score the rows in several requests");
  const auto check = [&](bool sound, const auto&... got) {
    require(sound, "[serve] column \"", name, "\": wanted ", rows_ + 1, " offsets that ascend from 0 to the ", values,
            " values, got ", got...);
  };
  check(std::ssize(offsets) == rows_ + 1, offsets.size(), " offsets");
  const int64_t last = values;
  for (size_t i = 0; i < offsets.size(); ++i) {
    const int64_t least = i + 1 == offsets.size() ? last : i == 0 ? 0 : offsets[i - 1];
    check(offsets[i] >= least && offsets[i] <= (i == 0 ? 0 : last), offsets[i], " as offset ", i);
  }
}

void Request::set_ids(std::string_view name, std::span<const int64_t> ids) {
  check_values(name, {"ids", {ColumnForm::kId, ColumnForm::kIntegerId}, config::IdKind::INTEGERS}, ids.size());
  keys_.insert_or_assign(std::string(name), Column<int64_t>{{ids.begin(), ids.end()}, {}});
}

void Request::set_strings(std::string_view name, const Strings& strings) {
  check_values(name, {"strings", {ColumnForm::kId}, config::IdKind::TEXTS}, strings.texts.size());
  keys_.insert_or_assign(std::string(name), Column<int64_t>{keys_of(name, strings), {}});
}

void Request::set_numbers(std::string_view name, std::span<const double> numbers) {
  check_values(name, {"numbers", {ColumnForm::kNumber}}, numbers.size());
  numbers_.insert_or_assign(std::string(name), Column<double>{{numbers.begin(), numbers.end()}, {}});
}

void Request::set_id_lists(std::string_view name, std::span<const int64_t> offsets, std::span<const int64_t> ids) {
  check_lists(name, {"lists of ids", {ColumnForm::kIdList}, config::IdKind::INTEGERS}, offsets, ids.size());
  keys_.insert_or_assign(std::string(name),
                         Column<int64_t>{{ids.begin(), ids.end()}, {offsets.begin(), offsets.end()}});
}

void Request::set_string_lists(std::string_view name, std::span<const int64_t> offsets, const Strings& strings) {
  check_lists(name, {"lists of strings", {ColumnForm::kIdList}, config::IdKind::TEXTS}, offsets, strings.texts.size());
  keys_.insert_or_assign(std::string(name), Column<int64_t>{keys_of(name, strings), {offsets.begin(), offsets.end()}});
}

void Request::set_number_lists(std::string_view name, std::span<const int64_t> offsets,
                               std::span<const double> numbers) {
  check_lists(name, {"lists of numbers", {ColumnForm::kNumberList}}, offsets, numbers.size());
  numbers_.insert_or_assign(std::string(name),
                            Column<double>{{numbers.begin(), numbers.end()}, {offsets.begin(), offsets.end()}});
}

// The values that a feature reads; nullptr when the column is null in every row.
template <class T>
const Request::Column<T>* Request::find(const Columns<T>& columns, const std::string& name) const {
  if (const auto found = columns.find(name); found != columns.end()) return &found->second;
  require(!keys_.contains(name) && !numbers_.contains(name), "[serve] column \"", name,
          "\" is read as ids and as numbers: wanted both, got one of them");
  return nullptr;
}

void Request::add_field(Batch& batch, const std::string& name, const config::Categorical& field) const {
  const Column<int64_t>* column = find(keys_, name);
  const KeyLimits limits = key_limits(field);
  std::vector<int64_t>& keys = batch.fields.emplace_back(rows_, kMissingKey);
  for (int64_t row = 0; row < rows_; ++row) {
    int64_t& key = keys[row];
    if (column != nullptr) key = column->values[row];
    if (key == kMissingKey)
      check_row(missing_fault(field.nullable(), Missing::kNull), row, name);
    else
      check_row(id_fault(limits, key), row, name, ", got ", key);
  }
}

void Request::add_number(Batch& batch, const std::string& name, const config::Number& number, size_t slot,
                         size_t slots) const {
  const Column<double>* column = find(numbers_, name);
  const NumberTransform transform(number);
  const bool bucketed = number.boundary_size() > 0;
  const std::vector<double> boundaries(number.boundary().begin(), number.boundary().end());
  if (bucketed) batch.fields.emplace_back(rows_, kMissingKey);
  for (int64_t row = 0; row < rows_; ++row) {
    const size_t at = row;
    const double x = column == nullptr ? std::nan("") : column->values[at];
    check_row(number_fault(x, number.nullable(), Missing::kNullOrNan), row, name);
    if (bucketed) {
      if (!std::isnan(x)) batch.fields.back()[at] = bucket_of(boundaries, transform(x));
      continue;
    }
    const float value = std::isnan(x) ? 0 : static_cast<float>(transform(x));
    check_row(float_fault(value), row, name, ", got ", x);
    batch.numbers[at * slots + slot] = value;
  }
}

void Request::add_bag(Batch& batch, const std::string& name, const config::Bag& bag) const {
  const Column<int64_t>* ids = find(keys_, name);
  const Column<double>* weights = bag.has_weight_column() ? find(numbers_, bag.weight_column()) : nullptr;
  require(!bag.has_weight_column() || (ids == nullptr) == (weights == nullptr), "[serve] columns \"", name, "\" and \"",
          bag.weight_column(), "\" go together: wanted both or neither");
  BagBatch& out = batch.bags.emplace_back();
  out.offsets = {0};
  for (int64_t row = 0; row < rows_; ++row) {
    const size_t at = row;
    if (ids == nullptr) {
      check_row(missing_fault(bag.nullable(), Missing::kList), row, name);
    } else {
      const size_t begin = ids->offsets[at];
      const int64_t length = ids->length(row);
      std::vector<double> of_row;
      if (weights != nullptr) {
        check_row(length_fault(weights->length(row), name, length), row, bag.weight_column());
        of_row.assign(weights->values.begin() + ids->offsets[at], weights->values.begin() + ids->offsets[at + 1]);
        for (const double weight : of_row) check_row(weight_fault(weight), row, bag.weight_column(), ", got ", weight);
      }
      const auto kept = std::min<int64_t>(length, bag.max_length());
      for (const int64_t place : heaviest(of_row, length, kept)) {
        const int64_t key = ids->values[begin + place];
        if (key == kMissingKey) check_row(missing_fault(bag.nullable(), Missing::kInList), row, name);
        out.keys.push_back(key);
        if (weights != nullptr) out.weights.push_back(static_cast<float>(of_row[place]));
      }
    }
    out.offsets.push_back(static_cast<int32_t>(out.keys.size()));
  }
}

void Request::add_sequence(Batch& batch, const config::Sequence& sequence) const {
  SequenceBatch& out = batch.sequences.emplace_back();
  out.offsets = {0};
  out.sides.resize(sequence.side_size());
  const std::string& first_name = sequence.side(0).column();
  const Column<int64_t>* first = find(keys_, first_name);
  for (int s = 0; s < sequence.side_size(); ++s) {
    const std::string& name = sequence.side(s).column();
    const Column<int64_t>* side = find(keys_, name);
    require((side == nullptr) == (first == nullptr), "[serve] columns \"", first_name, "\" and \"", name,
            "\" go together: wanted all sides of the sequence or none");
    for (int64_t row = 0; row < rows_; ++row) {
      const size_t at = row;
      if (side == nullptr) {
        check_row(missing_fault(sequence.nullable(), Missing::kList), row, name);
      } else {
        const int64_t begin = side->offsets[at], end = side->offsets[at + 1];
        check_row(length_fault(side->length(row), first_name, first->length(row)), row, name);
        for (int64_t i = std::max(begin, end - sequence.max_length()); i < end; ++i) {
          const int64_t key = side->values[i];
          if (key == kMissingKey) check_row(missing_fault(sequence.nullable(), Missing::kInList), row, name);
          out.sides[s].push_back(key);
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
  batch.numbers.resize(rows_ * slots);
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

}  // namespace polyscene::core
