// A list column of a record batch as row extents over one array of elements, whatever its list type.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace arrow {
class Array;
}

namespace polyscene {

struct ListRows {
  const arrow::Array* lists = nullptr;     // [rows], for nulls and messages; borrowed
  std::shared_ptr<arrow::Array> elements;  // those of the rows, first row's first element at 0
  std::vector<int64_t> begin;              // [rows] first element of a row
  std::vector<int64_t> length;             // [rows] elements of a row; a null list has 0
};

// `lists` outlives the result.
[[nodiscard]] ListRows list_rows(const arrow::Array& lists);

}  // namespace polyscene
