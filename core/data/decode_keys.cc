// Decodes columns with one key per row: categorical features, group keys, scenario, row key, time.
#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <utility>

#include "core/data/array_values.h"
#include "core/data/decoder.h"

namespace polyscene::core {
namespace {

std::vector<int64_t>& destination(Batch& b, const KeyTarget& target) {
  switch (target.kind) {
    case KeyTarget::kField:
      return b.fields[target.index];
    case KeyTarget::kGroup:
      return b.groups[target.index];
    case KeyTarget::kScenario:
      return b.scenario;
    case KeyTarget::kRowKey:
      return b.row_keys;
    case KeyTarget::kTime:
      break;
  }
  return b.times;
}

// Records the file's text of each scenario, which metrics print in place of the key. Consecutive rows often share their
// scenario, so a row is first compared with the one before.
void note_names(const arrow::Array& array, const int64_t* keys, std::unordered_map<int64_t, std::string>& names) {
  const bool texts = holds_texts(*array.type());
  if (!texts && array.type_id() != arrow::Type::UINT64) return;
  int64_t before = kMissingKey;
  for (int64_t i = 0; i < array.length(); ++i) {
    if (keys[i] == before || keys[i] == kMissingKey || (!texts && keys[i] >= 0)) continue;
    before = keys[i];
    if (names.contains(before)) continue;
    names.emplace(before, texts ? std::string(text_at(array, i)) : std::to_string(static_cast<uint64_t>(before)));
  }
}

class KeyDecoder : public Decoder {
 public:
  KeyDecoder(std::string column, int place, KeyTarget target, bool nullable, KeyLimits limits)
      : column_(std::move(column)), place_(place), target_(target), nullable_(nullable), limits_(limits) {}

  void decode(const arrow::RecordBatch& batch, int64_t first, Window& window) const override {
    const auto array = batch.column(place_);
    int64_t* keys = destination(window.columns, target_).data() + first;
    decode_keys(*array, keys);
    if (target_.kind == KeyTarget::kScenario) note_names(*array, keys, window.scenario_names);
    const int64_t rows = array->length();
    bool suspicious = false;  // set by kMissingKey too, which lies below all limits
    for (int64_t i = 0; i < rows; ++i) suspicious |= !limits_.hold(keys[i]);
    if (!suspicious) return;
    for (int64_t i = 0; i < rows; ++i) {
      if (!limits_.hold(keys[i])) judge(*array, i, keys[i], first + i, window);
    }
  }

 private:
  void judge(const arrow::Array& array, int64_t i, int64_t key, int64_t row, Window& window) const {
    std::string fault;
    if (key != kMissingKey)
      fault = id_fault(limits_, key);
    else if (fault = key_fault(array, i); fault.empty())
      fault = missing_fault(nullable_, array.IsNull(i) ? Missing::kNull : Missing::kNan);
    if (!fault.empty()) window.reject(row, column_, std::move(fault), value_text(array, i));
  }

  std::string column_;
  int place_;
  KeyTarget target_;
  bool nullable_;
  KeyLimits limits_;
};

}  // namespace

std::unique_ptr<Decoder> make_key_decoder(const std::string& column, int place, KeyTarget target, bool nullable,
                                          KeyLimits limits) {
  return std::make_unique<KeyDecoder>(column, place, target, nullable, limits);
}

}  // namespace polyscene::core
