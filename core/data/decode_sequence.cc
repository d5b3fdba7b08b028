// Decodes behaviour sequences: parallel lists of equal length per row, of which the newest max_length elements are
// kept.
#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <utility>

#include "core/data/array_values.h"
#include "core/data/decoder.h"
#include "core/data/ragged.h"

namespace polyscene::core {
namespace {

class SequenceDecoder : public Decoder {
 public:
  SequenceDecoder(std::vector<int> places, const config::Sequence& sequence, size_t index)
      : places_(std::move(places)), index_(index), max_length_(sequence.max_length()), nullable_(sequence.nullable()) {
    for (const auto& side : sequence.side()) columns_.push_back(side.column());
  }

  void decode(const arrow::RecordBatch& batch, int64_t first, Window& window) const override {
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    std::vector<ListRows> sides;
    for (const int place : places_) {
      arrays.push_back(batch.column(place));
      sides.push_back(list_rows(*arrays.back()));
    }
    for (size_t s = 1; s < sides.size(); ++s) {
      check_same_length(sides[0], sides[s], columns_[0], columns_[s], first, window);
    }
    const std::vector<int64_t> kept = kept_lengths(sides[0], first, window);
    auto& sequence = window.columns.sequences[index_];
    append_offsets(sequence.offsets, kept, columns_[0]);
    for (size_t s = 0; s < sides.size(); ++s) append_side(sides[s], kept, s, first, window);
  }

 private:
  // Elements kept per row. Rows that are bad already keep 0, since the lengths of their sides may differ.
  std::vector<int64_t> kept_lengths(const ListRows& rows, int64_t first, Window& window) const {
    std::vector<int64_t> kept(rows.length.size());
    for (size_t i = 0; i < kept.size(); ++i) {
      const size_t row = first + i;
      kept[i] = window.bad[row] != 0 ? 0 : std::min(rows.length[i], max_length_);
      window.sequences_cut[row] = static_cast<uint8_t>(window.sequences_cut[row] + (rows.length[i] > max_length_));
    }
    return kept;
  }

  void append_side(const ListRows& rows, const std::vector<int64_t>& kept, size_t s, int64_t first,
                   Window& window) const {
    const auto& offsets = window.columns.sequences[index_].offsets;
    auto& side = window.columns.sequences[index_].sides[s];
    const size_t size = offsets.back();
    if (side.size() < size) side.resize(size);
    int64_t* at = side.data() + offsets[first];
    const auto added = side.data() + size - at;
    const int64_t* keys = at;
    if (added == rows.elements->length()) {  // nothing is cut
      decode_keys(*rows.elements, at);
    } else {
      keys = element_keys(rows, window.scratch);
      for (size_t i = 0; i < kept.size(); ++i) {
        const int64_t* end = keys + rows.begin[i] + rows.length[i];
        at = std::copy(end - kept[i], end, at);
      }
    }
    check_id_lists(rows, keys, nullable_, columns_[s], first, window);
  }

  std::vector<std::string> columns_;
  std::vector<int> places_;
  size_t index_;
  int64_t max_length_;
  bool nullable_;
};

}  // namespace

std::unique_ptr<Decoder> make_sequence_decoder(std::vector<int> places, const config::Sequence& sequence,
                                               size_t index) {
  return std::make_unique<SequenceDecoder>(std::move(places), sequence, index);
}

}  // namespace polyscene::core
