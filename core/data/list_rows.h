// A list column of a record batch, of any list type, as an array of elements and the extent of each row in it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace arrow {
class Array;
}

namespace polyscene::core {

struct ListRows {
  const arrow::Array* lists = nullptr;     // [rows] the column itself, for nulls and messages; borrowed
  std::shared_ptr<arrow::Array> elements;  // elements of all rows; the first row starts at 0
  std::vector<int64_t> begin;              // [rows] index of the row's first element
  std::vector<int64_t> length;             // [rows] number of elements; 0 for a null list
};

// `lists` must outlive the result.
[[nodiscard]] ListRows list_rows(const arrow::Array& lists);

}  // namespace polyscene::core
