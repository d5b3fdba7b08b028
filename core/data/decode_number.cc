// Decodes numbers, which are transformed and then stored as floats or as bucket indices, and labels, which are 0 or 1.
#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>

#include <cmath>
#include <utility>

#include "core/data/array_values.h"
#include "core/data/decoder.h"
#include "core/features/value_faults.h"
#include "core/features/value_rules.h"

namespace polyscene::core {
namespace {

std::vector<double> column_values(const arrow::Array& array) {
  std::vector<double> values(array.length());
  decode_numbers(array, values.data());
  return values;
}

// Checks and transforms numbers, for both destinations.
class NumberReader {
 public:
  NumberReader(std::string column, int place, const config::Number& number)
      : column_(std::move(column)), place_(place), nullable_(number.nullable()), transform_(number) {}

  // Calls store(row, value) for each good value and absent(row) for each allowed null or NaN.
  template <class Store, class Absent>
  void each(const arrow::RecordBatch& batch, int64_t first, Window& window, Store store, Absent absent) const {
    const auto array = batch.column(place_);
    const std::vector<double> values = column_values(*array);
    for (size_t i = 0; i < values.size(); ++i) {
      const auto row = first + static_cast<int64_t>(i);
      if (std::isfinite(values[i])) [[likely]] {
        store(row, transform_(values[i]));
        continue;
      }
      const int64_t at = i;
      std::string fault = number_fault(values[i], nullable_, array->IsNull(at) ? Missing::kNull : Missing::kNan);
      if (fault.empty())
        absent(row);
      else
        window.reject(row, column_, std::move(fault), value_text(*array, at));
    }
  }

  [[nodiscard]] const std::string& column() const { return column_; }

 private:
  std::string column_;
  int place_;
  bool nullable_;
  NumberTransform transform_;
};

class BucketDecoder : public Decoder {
 public:
  BucketDecoder(NumberReader reader, const config::Number& number, size_t bucket)
      : reader_(std::move(reader)), bounds_(number.boundary().begin(), number.boundary().end()), bucket_(bucket) {}

  void decode(const arrow::RecordBatch& batch, int64_t first, Window& window) const override {
    int64_t* keys = window.columns.fields[bucket_].data();
    reader_.each(
        batch, first, window, [&](int64_t row, double x) { keys[row] = bucket_of(bounds_, x); },
        [&](int64_t row) { keys[row] = kMissingKey; });
  }

 private:
  NumberReader reader_;
  std::vector<double> bounds_;
  size_t bucket_;
};

class NumberDecoder : public Decoder {
 public:
  NumberDecoder(NumberReader reader, size_t slot, size_t slots)
      : reader_(std::move(reader)), slot_(slot), slots_(slots) {}

  void decode(const arrow::RecordBatch& batch, int64_t first, Window& window) const override {
    float* numbers = window.columns.numbers.data() + slot_;
    reader_.each(
        batch, first, window,
        [&](int64_t row, double x) {
          const auto value = static_cast<float>(x);
          numbers[row * slots_] = value;
          if (!std::isfinite(value)) [[unlikely]]
            window.reject(row, reader_.column(), float_fault(value), std::to_string(x));
        },
        [&](int64_t row) { numbers[row * slots_] = 0; });
  }

 private:
  NumberReader reader_;
  size_t slot_, slots_;
};

class LabelDecoder : public Decoder {
 public:
  LabelDecoder(std::string column, int place, size_t index)
      : column_(std::move(column)), place_(place), index_(index) {}

  void decode(const arrow::RecordBatch& batch, int64_t first, Window& window) const override {
    const auto array = batch.column(place_);
    const std::vector<double> values = column_values(*array);
    float* labels = window.columns.labels[index_].data() + first;
    for (size_t i = 0; i < values.size(); ++i) {
      labels[i] = static_cast<float>(values[i]);
      if (!(values[i] == 0 || values[i] == 1)) [[unlikely]]
        refuse(*array, i, first + static_cast<int64_t>(i), window);
    }
  }

 private:
  void refuse(const arrow::Array& array, int64_t i, int64_t row, Window& window) const {
    if (array.IsNull(i)) return window.reject(row, column_, "null label", "null");
    window.reject(row, column_, "label outside {0, 1}", value_text(array, i));
  }

  std::string column_;
  int place_;
  size_t index_;
};

}  // namespace

std::unique_ptr<Decoder> make_bucket_decoder(const std::string& column, int place, const config::Number& number,
                                             size_t bucket) {
  return std::make_unique<BucketDecoder>(NumberReader(column, place, number), number, bucket);
}

std::unique_ptr<Decoder> make_number_decoder(const std::string& column, int place, const config::Number& number,
                                             size_t slot, size_t slots) {
  return std::make_unique<NumberDecoder>(NumberReader(column, place, number), slot, slots);
}

std::unique_ptr<Decoder> make_label_decoder(const std::string& column, int place, size_t index) {
  return std::make_unique<LabelDecoder>(column, place, index);
}

}  // namespace polyscene::core
