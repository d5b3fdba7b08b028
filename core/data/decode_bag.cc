// Decodes bags of ids with optional weights. A bag longer than max_length keeps its heaviest ids, in their order in the
// row.
#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <span>
#include <utility>

#include "core/data/array_values.h"
#include "core/data/decoder.h"
#include "core/data/ragged.h"
#include "core/features/value_faults.h"
#include "core/features/value_rules.h"

namespace polyscene::core {
namespace {

class BagDecoder : public Decoder {
 public:
  BagDecoder(std::string column, int place, int weight_place, const config::Bag& bag, size_t index)
      : column_(std::move(column)),
        weight_column_(bag.weight_column()),
        place_(place),
        weight_place_(weight_place),
        index_(index),
        max_length_(bag.max_length()),
        nullable_(bag.nullable()) {}

  void decode(const arrow::RecordBatch& batch, int64_t first, Window& window) const override {
    const auto array = batch.column(place_);
    const ListRows rows = list_rows(*array);
    const int64_t* keys = element_keys(rows, window.scratch);
    check_id_lists(rows, keys, nullable_, column_, first, window);

    ListRows weight_rows;
    std::vector<double> weights;
    const auto weight_array = weight_place_ >= 0 ? batch.column(weight_place_) : nullptr;
    if (weight_array != nullptr) {
      weight_rows = list_rows(*weight_array);
      check_same_length(rows, weight_rows, column_, weight_column_, first, window);
      weights.resize(weight_rows.elements->length());
      decode_numbers(*weight_rows.elements, weights.data());
      check_weights(weight_rows, weights, first, window);
    }
    append(rows, keys, weight_rows, weights, first, window);
  }

 private:
  void check_weights(const ListRows& rows, const std::vector<double>& weights, int64_t first, Window& window) const {
    for (size_t i = 0; i < rows.begin.size(); ++i) {
      for (int64_t e = rows.begin[i]; e < rows.begin[i] + rows.length[i]; ++e) {
        const double weight = weights[e];
        if (is_weight(weight)) [[likely]]
          continue;
        const int64_t i64 = i;
        window.reject(first + i64, weight_column_, weight_fault(weight), value_text(*rows.lists, i64));
      }
    }
  }

  void append(const ListRows& rows, const int64_t* keys, const ListRows& weight_rows,
              const std::vector<double>& weights, int64_t first, Window& window) const {
    auto& bag = window.columns.bags[index_];
    std::vector<int64_t> kept(rows.length.size());
    for (size_t i = 0; i < kept.size(); ++i) {
      const size_t row = first + i;
      if (window.bad[row] != 0) continue;  // its weights may differ in number from its ids
      kept[i] = std::min(rows.length[i], max_length_);
      const int64_t* ids = keys + rows.begin[i];
      const auto row_weights = weights.empty() ? std::span<const double>()
                                               : std::span(weights).subspan(weight_rows.begin[i], rows.length[i]);
      if (rows.length[i] <= max_length_) {
        bag.keys.insert(bag.keys.end(), ids, ids + rows.length[i]);
        for (const double w : row_weights) bag.weights.push_back(static_cast<float>(w));
        continue;
      }
      ++window.bags_cut[row];
      for (const int64_t e : heaviest(row_weights, rows.length[i], kept[i])) {
        bag.keys.push_back(ids[e]);
        if (!row_weights.empty()) bag.weights.push_back(static_cast<float>(row_weights[e]));
      }
    }
    append_offsets(bag.offsets, kept, column_);
  }

  std::string column_, weight_column_;
  int place_, weight_place_;
  size_t index_;
  int64_t max_length_;
  bool nullable_;
};

}  // namespace

std::unique_ptr<Decoder> make_bag_decoder(const std::string& column, int place, int weight_place,
                                          const config::Bag& bag, size_t index) {
  return std::make_unique<BagDecoder>(column, place, weight_place, bag, index);
}

}  // namespace polyscene::core
