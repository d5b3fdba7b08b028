// Values of Arrow arrays as the reader's two scalar kinds, 64-bit keys and doubles: one typed loop per array, no
// per-value dispatch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace arrow {
class Array;
class DataType;
}  // namespace arrow

namespace polyscene {

// keys[i]: the integer (unsigned 64-bit ones keep their bits, times their count of units), a float or decimal that is
// one, or the hash of the text; null, NaN and what is no id: kMissingKey. keys: [array.length()].
void decode_keys(const arrow::Array& array, int64_t* keys);

// Why element i, whose key is kMissingKey, is refused though it is not null; empty where it is null or NaN.
[[nodiscard]] std::string key_fault(const arrow::Array& array, int64_t i);

// The array's own values where they are what decode_keys() would write (64-bit integers without nulls), else null.
[[nodiscard]] const int64_t* as_keys(const arrow::Array& array);

// Null: NaN. values: [array.length()].
void decode_numbers(const arrow::Array& array, double* values);

// Whether an array's elements are texts or bytes, also by way of a dictionary; and whether they are bytes.
[[nodiscard]] bool holds_texts(const arrow::DataType& type);
[[nodiscard]] bool holds_bytes(const arrow::DataType& type);

// Element i, which is no null, of an array that holds texts; valid as long as the array.
[[nodiscard]] std::string_view text_at(const arrow::Array& array, int64_t i);

// Element i for a message, cut to a readable length.
[[nodiscard]] std::string value_text(const arrow::Array& array, int64_t i);

}  // namespace polyscene
