// Rows to score, as a caller has them: columns by name, with the rules that training has for its files
// (core/data/README.md, "Values").
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/data/batch.h"
#include "core/data/feature_schema.h"

namespace polyscene {

class Request {
 public:
  // `rows` rows, without values yet. Data and schema must outlive it.
  Request(const config::Data& data, const FeatureSchema& schema, int64_t rows);

  // A column of the configuration, which several features may read. kMissingKey, NaN and a list of no elements stand
  // for null. Throws InvalidArgument naming the column that no feature reads, or one of another length.
  void set_ids(std::string_view column, std::span<const int64_t> ids);
  void set_strings(std::string_view column, std::span<const std::string_view> strings);
  void set_numbers(std::string_view column, std::span<const double> numbers);
  // Lists of all rows, one after the other: offsets [rows + 1].
  void set_id_lists(std::string_view column, std::span<const int64_t> offsets, std::span<const int64_t> ids);
  void set_string_lists(std::string_view column, std::span<const int64_t> offsets,
                        std::span<const std::string_view> strings);
  void set_number_lists(std::string_view column, std::span<const int64_t> offsets, std::span<const double> numbers);

  // The rows as the reader would give them. A column that was not set is null in every row. Throws InvalidArgument
  // naming row, column and reason where the reader would refuse a row.
  [[nodiscard]] Batch batch() const;

 private:
  struct Column {
    std::vector<int64_t> keys;  // ids, and strings as keys
    std::vector<double> numbers;
    std::vector<int64_t> offsets;  // of lists
  };
  Column& column(std::string_view name, size_t values, std::span<const int64_t> offsets);
  [[nodiscard]] const Column* find(const std::string& name) const;
  void add_field(Batch& batch, const std::string& column, const config::Categorical& field) const;
  void add_number(Batch& batch, const std::string& column, const config::Number& number, size_t slot,
                  size_t slots) const;
  void add_bag(Batch& batch, const std::string& column, const config::Bag& bag) const;
  void add_sequence(Batch& batch, const config::Sequence& sequence) const;

  const config::Data& data_;
  const FeatureSchema& schema_;
  int64_t rows_;
  std::vector<std::string> known_;  // columns of the features
  std::map<std::string, Column, std::less<>> columns_;
};

}  // namespace polyscene
