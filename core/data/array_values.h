// Converts Arrow arrays to the reader's two scalar types, 64-bit keys and doubles: one typed loop per array, no
// dispatch per value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace arrow {
class Array;
class DataType;
}  // namespace arrow

namespace polyscene::core {

// Writes keys [array.length()]. An integer is its own key (uint64 keeps its bits, times keep their unit), a float or
// decimal that holds an integer is that integer, a string becomes its hash. Null, NaN and invalid ids: kMissingKey.
void decode_keys(const arrow::Array& array, int64_t* keys);

// Why element i, which decode_keys() turned into kMissingKey, is not a valid id; empty if it is null or NaN.
[[nodiscard]] std::string key_fault(const arrow::Array& array, int64_t i);

// The array's own values if they equal what decode_keys() would write (64-bit integers without nulls), else null.
[[nodiscard]] const int64_t* as_keys(const arrow::Array& array);

// Writes values [array.length()]; a null becomes NaN.
void decode_numbers(const arrow::Array& array, double* values);

// Whether the elements are strings or binary, dictionary-encoded ones included; and whether they are binary.
[[nodiscard]] bool holds_texts(const arrow::DataType& type);
[[nodiscard]] bool holds_bytes(const arrow::DataType& type);

// Element i of an array for which holds_texts() is true. The element must not be null. Valid as long as the array.
[[nodiscard]] std::string_view text_at(const arrow::Array& array, int64_t i);

// Element i as text for messages, cut to a readable length.
[[nodiscard]] std::string value_text(const arrow::Array& array, int64_t i);

}  // namespace polyscene::core
