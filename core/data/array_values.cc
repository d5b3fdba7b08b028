#include "core/data/array_values.h"

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <arrow/result.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/float16.h>
#define XXH_INLINE_ALL
#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

#include "core/features/batch.h"
#include "core/features/value_rules.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

constexpr size_t kShownBytes = 200;

// Writes array's elements through convert(element) and its nulls as `missing`.
template <class Array, class T, class Convert>
void convert_all(const arrow::Array& base, T* out, T missing, Convert convert) {
  const auto& array = static_cast<const Array&>(base);
  const int64_t length = array.length();
  if (array.null_count() == 0) {
    for (int64_t i = 0; i < length; ++i) out[i] = convert(array, i);
  } else {
    for (int64_t i = 0; i < length; ++i) out[i] = array.IsNull(i) ? missing : convert(array, i);
  }
}

template <class Type, class T>
void convert_numeric(const arrow::Array& base, T* out, T missing) {
  const auto* values = static_cast<const arrow::NumericArray<Type>&>(base).raw_values();
  const int64_t length = base.length();
  for (int64_t i = 0; i < length; ++i) out[i] = static_cast<T>(values[i]);
  if (base.null_count() == 0) return;
  for (int64_t i = 0; i < length; ++i) {
    if (base.IsNull(i)) out[i] = missing;
  }
}

template <class T>
bool convert_integers(const arrow::Array& array, T* out, T missing) {
  switch (array.type_id()) {
    case arrow::Type::INT8:
      convert_numeric<arrow::Int8Type>(array, out, missing);
      return true;
    case arrow::Type::INT16:
      convert_numeric<arrow::Int16Type>(array, out, missing);
      return true;
    case arrow::Type::INT32:
      convert_numeric<arrow::Int32Type>(array, out, missing);
      return true;
    case arrow::Type::INT64:
      convert_numeric<arrow::Int64Type>(array, out, missing);
      return true;
    case arrow::Type::UINT8:
      convert_numeric<arrow::UInt8Type>(array, out, missing);
      return true;
    case arrow::Type::UINT16:
      convert_numeric<arrow::UInt16Type>(array, out, missing);
      return true;
    case arrow::Type::UINT32:
      convert_numeric<arrow::UInt32Type>(array, out, missing);
      return true;
    case arrow::Type::UINT64:
      convert_numeric<arrow::UInt64Type>(array, out, missing);
      return true;
    case arrow::Type::BOOL:
      convert_all<arrow::BooleanArray>(array, out, missing,
                                       [](const auto& a, int64_t i) { return static_cast<T>(a.Value(i)); });
      return true;
    default:
      return false;
  }
}

// Calls convert(double) for every element that is not null. False where the array holds no floats.
template <class T, class Convert>
bool convert_floats(const arrow::Array& array, T* out, T missing, Convert convert) {
  const auto each = [&]<class Array>(const Array&, auto widen) {
    convert_all<Array>(array, out, missing,
                       [&](const auto& a, int64_t i) { return convert(widen(a.raw_values()[i])); });
    return true;
  };
  const auto as_is = [](auto value) { return double{value}; };
  switch (array.type_id()) {
    case arrow::Type::FLOAT:
      return each(static_cast<const arrow::FloatArray&>(array), as_is);
    case arrow::Type::DOUBLE:
      return each(static_cast<const arrow::DoubleArray&>(array), as_is);
    case arrow::Type::HALF_FLOAT:
      return each(static_cast<const arrow::HalfFloatArray&>(array),
                  [](uint16_t bits) { return arrow::util::Float16::FromBits(bits).ToDouble(); });
    default:
      return false;
  }
}

// Calls convert(arrow::Decimal256) for every element that is not null. False where the array holds no decimals.
template <class T, class Convert>
bool convert_decimals(const arrow::Array& array, T* out, T missing, Convert convert) {
  const auto each = [&]<class Array, class Value>(const Array&, const Value&) {
    convert_all<Array>(array, out, missing, [&](const auto& a, int64_t i) {
      return convert(arrow::Decimal256(arrow::BasicDecimal256(Value(a.GetValue(i)))));
    });
    return true;
  };
  switch (array.type_id()) {
    case arrow::Type::DECIMAL32:
      return each(static_cast<const arrow::Decimal32Array&>(array), arrow::Decimal32());
    case arrow::Type::DECIMAL64:
      return each(static_cast<const arrow::Decimal64Array&>(array), arrow::Decimal64());
    case arrow::Type::DECIMAL128:
      return each(static_cast<const arrow::Decimal128Array&>(array), arrow::Decimal128());
    case arrow::Type::DECIMAL256:
      return each(static_cast<const arrow::Decimal256Array&>(array), arrow::Decimal256());
    default:
      return false;
  }
}

// From 2^53 on, one double stands for several integers, so such values are not ids.
int64_t key_of_float(double value) {
  const bool whole = std::abs(value) < 0x1p53 && std::trunc(value) == value;
  return whole ? static_cast<int64_t>(value) : kMissingKey;
}

// The 64 bits of a value that int64 or uint64 can hold: the higher words hold nothing but the sign.
int64_t key_of_decimal(const arrow::Decimal256& value) {
  const auto words = value.little_endian_array();
  const auto above = [&](uint64_t word) { return std::ranges::count(words.begin() + 1, words.end(), word) == 3; };
  const int64_t key = words[0];
  return above(0) || (above(~uint64_t{0}) && key < 0) ? key : kMissingKey;
}

template <class Array>
void hash_texts(const arrow::Array& array, int64_t* keys) {
  convert_all<Array>(array, keys, kMissingKey, [](const auto& a, int64_t i) {
    const std::string_view text = a.GetView(i);
    return hash_key(text.data(), text.size());
  });
}

// Hashes each entry of the dictionary once.
void decode_dictionary(const arrow::Array& base, int64_t* keys) {
  const auto& array = static_cast<const arrow::DictionaryArray&>(base);
  std::vector<int64_t> entries(array.dictionary()->length());
  decode_keys(*array.dictionary(), entries.data());
  for (int64_t i = 0; i < array.length(); ++i) {
    keys[i] = array.IsNull(i) ? kMissingKey : entries[array.GetValueIndex(i)];
  }
}

}  // namespace

void decode_keys(const arrow::Array& array, int64_t* keys) {
  if (convert_integers(array, keys, kMissingKey) || convert_floats(array, keys, kMissingKey, key_of_float) ||
      convert_decimals(array, keys, kMissingKey, key_of_decimal))
    return;
  switch (array.type_id()) {
    case arrow::Type::NA:
      std::fill_n(keys, array.length(), kMissingKey);
      return;
    case arrow::Type::TIMESTAMP:
      return convert_numeric<arrow::TimestampType>(array, keys, kMissingKey);
    case arrow::Type::DATE32:
      return convert_numeric<arrow::Date32Type>(array, keys, kMissingKey);
    case arrow::Type::DATE64:
      return convert_numeric<arrow::Date64Type>(array, keys, kMissingKey);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return hash_texts<arrow::BinaryArray>(array, keys);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return hash_texts<arrow::LargeBinaryArray>(array, keys);
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return hash_texts<arrow::BinaryViewArray>(array, keys);
    case arrow::Type::DICTIONARY:
      return decode_dictionary(array, keys);
    default:
      throw DataError(str("[data] wanted integers or strings, got ", array.type()->ToString()));
  }
}

const int64_t* as_keys(const arrow::Array& array) {
  const bool keys = array.type_id() == arrow::Type::INT64 && array.null_count() == 0;
  return keys ? static_cast<const arrow::Int64Array&>(array).raw_values() : nullptr;
}

void decode_numbers(const arrow::Array& array, double* values) {
  constexpr double kNull = std::numeric_limits<double>::quiet_NaN();
  if (convert_integers(array, values, kNull)) return;
  switch (array.type_id()) {
    case arrow::Type::FLOAT:
      return convert_numeric<arrow::FloatType>(array, values, kNull);
    case arrow::Type::DOUBLE:
      return convert_numeric<arrow::DoubleType>(array, values, kNull);
    case arrow::Type::NA:
      std::fill_n(values, array.length(), kNull);
      return;
    default:
      if (convert_floats(array, values, kNull, [](double value) { return value; }) ||
          convert_decimals(array, values, kNull, [](const arrow::Decimal256& value) { return value.ToDouble(0); }))
        return;
      throw DataError(str("[data] wanted integers or floats, got ", array.type()->ToString()));
  }
}

bool holds_texts(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY)
    return holds_texts(*static_cast<const arrow::DictionaryType&>(type).value_type());
  return arrow::is_base_binary_like(type.id()) || arrow::is_binary_view_like(type.id());
}

bool holds_bytes(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY)
    return holds_bytes(*static_cast<const arrow::DictionaryType&>(type).value_type());
  return type.id() == arrow::Type::BINARY || type.id() == arrow::Type::LARGE_BINARY ||
         type.id() == arrow::Type::BINARY_VIEW;
}

std::string_view text_at(const arrow::Array& array, int64_t i) {
  switch (array.type_id()) {
    case arrow::Type::DICTIONARY: {
      const auto& entries = static_cast<const arrow::DictionaryArray&>(array);
      return text_at(*entries.dictionary(), entries.GetValueIndex(i));
    }
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return static_cast<const arrow::LargeBinaryArray&>(array).GetView(i);
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return static_cast<const arrow::BinaryViewArray&>(array).GetView(i);
    default:
      return static_cast<const arrow::BinaryArray&>(array).GetView(i);
  }
}

std::string key_fault(const arrow::Array& array, int64_t i) {
  if (array.IsNull(i)) return "";
  const bool floats = arrow::is_floating(array.type_id());
  if (floats) {
    double value = 0;
    convert_floats(*array.Slice(i, 1), &value, value, [](double v) { return v; });
    if (std::isnan(value)) return "";
  }
  if (floats || arrow::is_decimal(array.type_id()))
    return str("wants integers or strings, not ", array.type()->ToString());
  return "id is the number reserved for null";
}

std::string value_text(const arrow::Array& array, int64_t i) {
  const auto scalar = array.GetScalar(i);
  std::string text = scalar.ok() ? (*scalar)->ToString() : scalar.status().message();
  if (text.size() <= kShownBytes) return text;
  size_t end = kShownBytes;  // moved back so that no UTF-8 character is cut
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80 && end > kShownBytes - 4) --end;
  text.resize(end);
  return text + "...";
}

}  // namespace polyscene::core
