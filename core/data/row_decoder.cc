#include <arrow/record_batch.h>

#include <numeric>

#include "core/data/decoder.h"

namespace polyscene::core {
namespace {

using config::Feature;

class Assembly {
 public:
  Assembly(const FeatureSchema& schema, const ColumnSet& columns) : schema_(schema), columns_(columns) {}

  void add_feature(const Feature& feature) {
    switch (feature.kind_case()) {
      case Feature::kCategorical:
        return add_categorical(feature.name(), feature.categorical());
      case Feature::kBag:
        return add_bag(feature.name(), feature.bag());
      case Feature::kNumber:
        return add_number(feature.name(), feature.number());
      case Feature::kSequence:
        return add_sequence(feature.sequence());
      case Feature::KIND_NOT_SET:
        return;
    }
  }

  void add_key(const std::string& column, KeyTarget target, bool nullable) {
    decoders_.push_back(make_key_decoder(column, columns_.index(column), target, nullable, key_limits({})));
  }

  void add_label(const std::string& column) {
    decoders_.push_back(make_label_decoder(column, columns_.index(column), labels_++));
  }

  std::vector<std::unique_ptr<Decoder>> take() { return std::move(decoders_); }

 private:
  void add_categorical(const std::string& name, const config::Categorical& field) {
    const std::string& column = column_of(field, name);
    decoders_.push_back(make_key_decoder(column, columns_.index(column), {KeyTarget::kField, fields_++},
                                         field.nullable(), key_limits(field)));
  }

  void add_bag(const std::string& name, const config::Bag& bag) {
    const std::string& column = column_of(bag, name);
    const int weights = bag.has_weight_column() ? columns_.index(bag.weight_column()) : -1;
    decoders_.push_back(make_bag_decoder(column, columns_.index(column), weights, bag, bags_++));
  }

  void add_number(const std::string& name, const config::Number& number) {
    const std::string& column = column_of(number, name);
    const int place = columns_.index(column);
    decoders_.push_back(number.boundary_size() > 0
                            ? make_bucket_decoder(column, place, number, fields_++)
                            : make_number_decoder(column, place, number, numbers_++, schema_.numbers.size()));
  }

  void add_sequence(const config::Sequence& sequence) {
    std::vector<int> places;
    for (const auto& side : sequence.side()) places.push_back(columns_.index(side.column()));
    decoders_.push_back(make_sequence_decoder(std::move(places), sequence, sequences_++));
  }

  const FeatureSchema& schema_;
  const ColumnSet& columns_;
  size_t fields_ = 0, bags_ = 0, numbers_ = 0, sequences_ = 0, labels_ = 0;
  std::vector<std::unique_ptr<Decoder>> decoders_;
};

}  // namespace

RowDecoder::RowDecoder(const config::Data& data, const FeatureSchema& schema, const ColumnSet& columns)
    : schema_(schema),
      times_(!data.time_column().empty()),
      row_keys_(!data.row_key_column().empty()),
      scenario_(!data.scenario_column().empty()) {
  Assembly assembly(schema_, columns);
  for (const auto& feature : data.feature()) assembly.add_feature(feature);
  for (const auto& label : data.label()) assembly.add_label(column_of(label, label.name()));
  for (int i = 0; i < data.group_size(); ++i) {
    assembly.add_key(column_of(data.group(i), data.group(i).name()), {KeyTarget::kGroup, static_cast<size_t>(i)},
                     /*nullable=*/true);
  }
  if (scenario_) assembly.add_key(data.scenario_column(), {KeyTarget::kScenario}, false);
  if (row_keys_) assembly.add_key(data.row_key_column(), {KeyTarget::kRowKey}, false);
  if (times_) assembly.add_key(data.time_column(), {KeyTarget::kTime}, false);
  decoders_ = assembly.take();
}

void RowDecoder::append(const arrow::RecordBatch& batch, RowSpan span, Window& window) const {
  const int64_t first = window.rows();
  append_rows(window, schema_, times_, batch.num_rows());
  span.first = first;
  window.spans.push_back(span);
  if (!row_keys_) {
    std::iota(window.columns.row_keys.begin() + first, window.columns.row_keys.begin() + window.rows(),
              span.first_in_split);
  }
  for (const auto& decoder : decoders_) decoder->decode(batch, first, window);
}

}  // namespace polyscene::core
