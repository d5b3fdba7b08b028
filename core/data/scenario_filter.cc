#include "core/data/scenario_filter.h"

#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>

#include <optional>

#include "core/data/array_values.h"
#include "core/data/parquet_file.h"
#include "core/features/value_rules.h"
#include "core/text/whole_number.h"

namespace polyscene::core {
namespace {

constexpr int64_t kRowsPerLook = 1 << 16;

}  // namespace

ScenarioFilter::ScenarioFilter(const config::Data& data, const IdForms& forms)
    : forms_(forms), all_(data.only_scenarios().empty()) {
  for (const std::string& value : data.only_scenarios()) keys_.insert(key_of(value));
}

int64_t ScenarioFilter::key_of(const std::string& value) const {
  if (forms_.texts) return hash_key(value.data(), value.size());
  if (forms_.bools && (value == "true" || value == "false")) return value == "true" ? 1 : 0;
  const auto number = whole_number<int64_t>(value);
  if (number && (*number >= 0 || forms_.integers)) return *number;
  const auto natural = whole_number<uint64_t>(value);
  return natural && forms_.naturals ? static_cast<int64_t>(*natural) : kMissingKey;
}

std::vector<std::string> absent_scenarios(const config::Data& data, const ScenarioFilter& filter,
                                          const SplitFiles& split) {
  std::unordered_set<int64_t> wanted;
  for (const std::string& value : data.only_scenarios()) wanted.insert(filter.key_of(value));
  wanted.erase(kMissingKey);
  std::vector<int64_t> keys;
  for (const Unit& unit : split.units) {
    if (wanted.empty()) break;
    if (unit.rows == 0) continue;
    const SplitFile& entry = split.files[unit.file];
    ParquetFile file(entry.path, entry.metadata);
    file.open_row_group(unit.row_group, {data.scenario_column()}, kRowsPerLook);
    while (const auto batch = wanted.empty() ? nullptr : file.next()) {
      keys.resize(batch->num_rows());
      decode_keys(*batch->column(0), keys.data());
      for (const int64_t key : keys) wanted.erase(key);
    }
  }
  std::vector<std::string> absent;
  for (const std::string& value : data.only_scenarios()) {
    const int64_t key = filter.key_of(value);
    if (key == kMissingKey || wanted.contains(key)) absent.push_back(value);
  }
  return absent;
}

}  // namespace polyscene::core
