// Rows to score, as a caller has them: columns by name, with the rules that training has for its files
// (core/data/README.md, "Values").
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

namespace polyscene {

// What one request may hold, so that it takes no memory that its caller's own values do not account for.
inline constexpr int64_t kMostRequestRows = int64_t{1} << 20;
inline constexpr int64_t kMostRequestValues = int64_t{1} << 26;  // of the lists of a column, all rows together
inline constexpr size_t kMostStringBytes = (size_t{1} << 31) - 1;

// Strings as C has them: lengths[i] bytes at texts[i], null where that is NULL. As many of both.
struct Strings {
  std::span<const char* const> texts;
  std::span<const size_t> lengths;
};

class Request {
 public:
  // `rows` rows, without values yet. Data and schema must outlive it. Throws InvalidArgument on more than
  // kMostRequestRows.
  Request(const config::Data& data, const FeatureSchema& schema, int64_t rows);

  // A column of the configuration, which several features may read; values that it had before are replaced.
  // kMissingKey, NaN, NULL and a list of no elements stand for null. Throws InvalidArgument naming a
  // column that no feature reads, one that wants values of another kind, also strings where the model was trained with
  // integers or the reverse, and why the values are refused; the column then stays as it was.
  void set_ids(std::string_view column, std::span<const int64_t> ids);
  void set_strings(std::string_view column, const Strings& strings);
  void set_numbers(std::string_view column, std::span<const double> numbers);
  // Lists of all rows, one after the other: offsets [rows + 1] ascend from 0 to the number of values.
  void set_id_lists(std::string_view column, std::span<const int64_t> offsets, std::span<const int64_t> ids);
  void set_string_lists(std::string_view column, std::span<const int64_t> offsets, const Strings& strings);
  void set_number_lists(std::string_view column, std::span<const int64_t> offsets, std::span<const double> numbers);

  // The rows as the reader would give them. A column that was not set is null in every row. Throws InvalidArgument
  // naming row, column and reason where the reader would refuse a row.
  [[nodiscard]] Batch batch() const;

 private:
  // What a setter hands over, and which forms of columns it is for.
  struct Kind {
    const char* name;
    std::vector<ColumnForm> forms;
    std::optional<config::IdKind::Kind> ids = {};  // nothing: numbers
  };
  template <class T>
  struct Column {
    std::vector<T> values;
    std::vector<int64_t> offsets;  // of lists
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
  IdKinds trained_;                    // what the model's ids are, where that is known
  std::vector<ColumnRequest> wanted_;  // by the features
  Columns<int64_t> keys_;              // ids, and strings as keys
  Columns<double> numbers_;
};

}  // namespace polyscene
