// Rows to score: columns by name, with the same rules for values as in training's files (core/data/README.md,
// "Values").
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/features/batch.h"
#include "core/features/column_request.h"
#include "core/features/feature_schema.h"
#include "core/features/id_kinds.h"

namespace polyscene::core {

// Limits of one request, so that its memory stays in proportion to the values that the caller passes.
inline constexpr int64_t kMostRequestRows = int64_t{1} << 20;
inline constexpr int64_t kMostRequestValues = int64_t{1} << 26;  // values in all lists of a column
inline constexpr size_t kMostStringBytes = (size_t{1} << 31) - 1;

// C strings: lengths[i] bytes at texts[i]; NULL stands for null. Both spans have one length.
struct Strings {
  std::span<const char* const> texts;
  std::span<const size_t> lengths;
};

class Request {
 public:
  // A request of `rows` rows without values. Data and schema must outlive it. Throws InvalidArgument on more than
  // kMostRequestRows.
  Request(const config::Data& data, const FeatureSchema& schema, int64_t rows);

  // Each setter sets a column of the configuration, which several features may read, and replaces earlier values.
  // kMissingKey, NaN, NULL and an empty list stand for null. Throws InvalidArgument, and leaves the column unchanged,
  // when no feature reads the column, when it wants another kind of values (also strings for integers and the reverse,
  // by what the model was trained with), and when a value is refused.
  void set_ids(std::string_view column, std::span<const int64_t> ids);
  void set_strings(std::string_view column, const Strings& strings);
  void set_numbers(std::string_view column, std::span<const double> numbers);
  // The lists of all rows, concatenated: offsets [rows + 1] ascend from 0 to the number of values.
  void set_id_lists(std::string_view column, std::span<const int64_t> offsets, std::span<const int64_t> ids);
  void set_string_lists(std::string_view column, std::span<const int64_t> offsets, const Strings& strings);
  void set_number_lists(std::string_view column, std::span<const int64_t> offsets, std::span<const double> numbers);

  // The rows as training's reader would give them. A column that was not set is null in every row. Throws
  // InvalidArgument naming row, column and reason when the reader would refuse a row.
  [[nodiscard]] Batch batch() const;

 private:
  // The values of a setter, and the forms of columns that take them.
  struct Kind {
    const char* name;
    std::vector<ColumnForm> forms;
    std::optional<config::IdKind::Kind> ids = {};  // no value: numbers
  };
  template <class T>
  struct Column {
    std::vector<T> values;
    std::vector<int64_t> offsets;  // of list columns
    [[nodiscard]] int64_t length(int64_t row) const { return offsets[row + 1] - offsets[row]; }
  };
  template <class T>
  using Columns = std::map<std::string, Column<T>, std::less<>>;

  void check_kind(std::string_view name, const Kind& given) const;
  void check_ids(const ColumnRequest& wanted, const Kind& given) const;
  [[noreturn]] void refuse_name(std::string_view name) const;
  void check_values(std::string_view name, const Kind& given, size_t values) const;
  void check_lists(std::string_view name, const Kind& given, std::span<const int64_t> offsets, size_t values) const;
  template <class T>
  [[nodiscard]] const Column<T>* find(const Columns<T>& columns, const std::string& name) const;
  void add_field(Batch& batch, const std::string& column, const config::Categorical& field) const;
  void add_number(Batch& batch, const std::string& column, const config::Number& number, size_t slot,
                  size_t slots) const;
  void add_bag(Batch& batch, const std::string& column, const config::Bag& bag) const;
  void add_sequence(Batch& batch, const config::Sequence& sequence) const;

  const config::Data& data_;
  const FeatureSchema& schema_;
  int64_t rows_;
  IdKinds trained_;                    // kinds of ids that the model was trained with, if known
  std::vector<ColumnRequest> wanted_;  // columns that the features read
  Columns<int64_t> keys_;              // ids, and hashes of strings
  Columns<double> numbers_;
};

}  // namespace polyscene::core
