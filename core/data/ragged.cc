#include "core/data/ragged.h"

#include <arrow/array/array_base.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/data/array_values.h"
#include "core/features/value_faults.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

void check_elements(const ListRows& rows, const int64_t* keys, bool nullable, const std::string& column, int64_t first,
                    Window& window) {
  for (size_t i = 0; i < rows.begin.size(); ++i) {
    for (int64_t e = rows.begin[i]; e < rows.begin[i] + rows.length[i]; ++e) {
      if (keys[e] != kMissingKey) continue;
      std::string fault = key_fault(*rows.elements, e);
      if (fault.empty()) fault = missing_fault(nullable, Missing::kInList);
      if (fault.empty()) continue;
      const int64_t i64 = i;
      window.reject(first + i64, column, std::move(fault), value_text(*rows.lists, i64));
    }
  }
}

}  // namespace

void check_id_lists(const ListRows& rows, const int64_t* keys, bool nullable, const std::string& column, int64_t first,
                    Window& window) {
  if (!nullable && rows.lists->null_count() > 0) {
    for (int64_t i = 0; i < rows.lists->length(); ++i) {
      if (rows.lists->IsNull(i)) window.reject(first + i, column, missing_fault(nullable, Missing::kList), "null");
    }
  }
  bool suspicious = false;
  for (int64_t e = 0; e < rows.elements->length(); ++e) suspicious |= keys[e] == kMissingKey;
  if (suspicious) check_elements(rows, keys, nullable, column, first, window);
}

void check_same_length(const ListRows& a, const ListRows& b, const std::string& column_a, const std::string& column_b,
                       int64_t first, Window& window) {
  if (a.length == b.length) return;
  for (size_t i = 0; i < a.length.size(); ++i) {
    if (a.length[i] == b.length[i]) continue;
    window.reject(first + static_cast<int64_t>(i), column_b, length_fault(b.length[i], column_a, a.length[i]),
                  value_text(*b.lists, i));
  }
}

void append_offsets(std::vector<int32_t>& offsets, const std::vector<int64_t>& lengths, const std::string& column) {
  int64_t end = offsets.back();
  for (const int64_t length : lengths) {
    end += length;
    offsets.push_back(static_cast<int32_t>(std::min<int64_t>(end, std::numeric_limits<int32_t>::max())));
  }
  require<DataError>(end <= std::numeric_limits<int32_t>::max(), "[data] column \"", column, "\" has ", end,
                     " elements in one shuffle window, at most 2147483647 fit; lower data.shuffle_window");
}

const int64_t* element_keys(const ListRows& rows, std::vector<int64_t>& scratch) {
  if (const int64_t* keys = as_keys(*rows.elements)) return keys;
  scratch.resize(std::max<size_t>(scratch.size(), rows.elements->length()));
  decode_keys(*rows.elements, scratch.data());
  return scratch.data();
}

}  // namespace polyscene::core
