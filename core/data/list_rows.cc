#include "core/data/list_rows.h"

#include <arrow/array/array_base.h>
#include <arrow/array/array_nested.h>
#include <arrow/type.h>

#include "ops/base/error.h"

namespace polyscene::core {
namespace {

template <class List>
ListRows extents(const arrow::Array& base) {
  const auto& lists = static_cast<const List&>(base);
  const int64_t rows = lists.length();
  ListRows out{.lists = &base, .elements = {}, .begin = {}, .length = {}};
  out.begin.resize(rows);
  out.length.resize(rows);
  const int64_t first = rows > 0 ? lists.value_offset(0) : 0;
  for (int64_t i = 0; i < rows; ++i) {
    out.begin[i] = lists.value_offset(i) - first;
    out.length[i] = lists.value_length(i);
  }
  const int64_t end = rows > 0 ? out.begin.back() + out.length.back() : 0;
  if (lists.null_count() > 0) {
    for (int64_t i = 0; i < rows; ++i) {
      if (lists.IsNull(i)) out.length[i] = 0;
    }
  }
  out.elements = lists.values()->Slice(first, end);
  return out;
}

ListRows null_lists(const arrow::Array& lists) {
  const std::vector<int64_t> none(lists.length());
  return {.lists = &lists, .elements = lists.Slice(0, 0), .begin = none, .length = none};
}

}  // namespace

ListRows list_rows(const arrow::Array& lists) {
  switch (lists.type_id()) {
    case arrow::Type::LIST:
      return extents<arrow::ListArray>(lists);
    case arrow::Type::LARGE_LIST:
      return extents<arrow::LargeListArray>(lists);
    case arrow::Type::FIXED_SIZE_LIST:
      return extents<arrow::FixedSizeListArray>(lists);
    case arrow::Type::NA:
      return null_lists(lists);
    default:
      throw DataError(str("[data] wanted a list column, got ", lists.type()->ToString()));
  }
}

}  // namespace polyscene::core
