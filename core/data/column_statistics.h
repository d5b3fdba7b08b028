// Collects the statistics of a ColumnReport, one record batch after the other.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/data/distinct_sketch.h"
#include "core/data/inspect.h"
#include "core/data/quantiles.h"
#include "core/features/column_request.h"

namespace arrow {
class Array;
}

namespace polyscene::core {

// Minimum and maximum of the added values.
template <class T>
struct Bounds {
  bool any = false;
  T low{}, high{};
  void add(T value) {
    if (!any || value < low) low = value;
    if (!any || value > high) high = value;
    any = true;
  }
};

class ColumnStatistics {
 public:
  explicit ColumnStatistics(ColumnForm form) : form_(form) {}

  void add(const arrow::Array& array);
  // Fills in everything but user, column and type.
  void finish(ColumnReport& report) const;

 private:
  void add_values(const arrow::Array& values);
  void add_keys(const arrow::Array& values);
  void add_numbers(const arrow::Array& values);
  void add_number(double number);
  void finish_distribution(ColumnReport& report) const;

  // A 64-bit integer, signed or unsigned, ordered by value.
  struct Id {
    bool positive = true;
    uint64_t bits = 0;
    friend auto operator<=>(const Id&, const Id&) = default;
    [[nodiscard]] std::string text() const;
    [[nodiscard]] double number() const;
  };

  ColumnForm form_;
  int64_t rows_ = 0, nulls_ = 0, null_elements_ = 0, nans_ = 0, elements_ = 0, max_length_ = 0;
  Bounds<double> numbers_seen_;
  Bounds<Id> ids_seen_;            // of integer ids
  Bounds<int64_t> seconds_seen_;   // of timestamps and dates: seconds since 1970
  double mean_ = 0, squares_ = 0;  // of numbers: mean, and sum of squared distances from the mean
  Quantiles quantiles_;
  DistinctSketch distinct_;
  std::vector<int64_t> keys_;
  std::vector<double> numbers_;
};

}  // namespace polyscene::core
