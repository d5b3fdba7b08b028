#include "core/data/read_plan.h"

#include <charconv>

#include "core/data/file_list.h"
#include "core/data/parquet_file.h"
#include "core/data/value_rules.h"
#include "ops/base/error.h"

namespace polyscene {
namespace {

// Metadata of this many column chunks is kept (about 0.5 KB each); the footers of further files are read again when
// their row groups come up.
constexpr int64_t kKeptChunks = 200'000;

const SourceOptions& checked(const config::Data& data, const SourceOptions& options) {
  require(options.ranks >= 1 && options.rank >= 0 && options.rank < options.ranks,
          "[data] wanted a rank of 0 .. ranks - 1, got rank ", options.rank, " of ", options.ranks);
  require(options.ranks <= data.lanes(), "[data] ", options.ranks, " ranks, but data.lanes is ", data.lanes(),
          " and every rank needs a lane; raise data.lanes to at least ", options.ranks,
          " (which changes the order of the samples)");
  require(data.prefetch() >= 1, "[data] data.prefetch wants at least 1 batch, got ", data.prefetch());
  require(data.threads() >= 1, "[data] data.threads wants at least 1, got ", data.threads());
  require(data.max_bad_share() >= 0 && data.max_bad_share() <= 1, "[data] data.max_bad_share wants 0 .. 1, got ",
          data.max_bad_share());
  require(data.only_scenarios().empty() || !data.scenario_column().empty(),
          "[data] data.only_scenarios wants data.scenario_column to be set");
  return options;
}

std::vector<int64_t> unit_rows(const SplitFiles& split) {
  std::vector<int64_t> rows;
  for (const auto& unit : split.units) rows.push_back(unit.rows);
  return rows;
}

OrderOptions order_options(const config::Data& data, const SourceOptions& options) {
  return {.lanes = data.lanes(),
          .batch_size = options.batch_size,
          .min_tail_share = options.min_tail_share,
          .shuffle_window = data.shuffle_window(),
          .seed = options.seed,
          .shuffle = options.shuffle};
}

// Of a number both keys: only the files tell whether the column holds integers or texts.
std::unordered_set<int64_t> scenario_keys(const config::Data& data) {
  std::unordered_set<int64_t> keys;
  for (const std::string& text : data.only_scenarios()) {
    keys.insert(hash_key(text.data(), text.size()));
    int64_t number = 0;
    const char* end = text.data() + text.size();
    if (std::from_chars(text.data(), end, number).ptr == end) keys.insert(number);
  }
  return keys;
}

std::vector<ColumnRequest> all_requests(const config::Data& data, const SourceOptions& options) {
  std::vector<ColumnRequest> requests = column_requests(data);
  for (ColumnRequest& request : column_requests(options.carry)) requests.push_back(std::move(request));
  return requests;
}

void check_not_empty(const ReadPlan& plan) {
  const char* name = split_name(plan.options.split);
  require<DataError>(plan.split.rows > 0 || plan.options.named.empty(), "[data] ", plan.options.named, " holds no rows");
  require<DataError>(plan.split.rows > 0, "[data] the ", plan.split.files.size(), " file(s) of split ", name,
                     " hold no rows; check data.", name, "_files");
  require<DataError>(plan.order.steps() > 0, "[data] split ", name, " has ", plan.split.rows,
                     " rows, less than min_tail_share ", plan.options.min_tail_share, " of one batch of ",
                     plan.options.batch_size,
                     ", so that an epoch would have no step; lower the batch size or "
                     "min_tail_share");
}

}  // namespace

SplitFiles open_split(const config::Data& data, Split split, const std::vector<ColumnRequest>& requests,
                      Carrier* carrier) {
  SplitFiles out;
  int64_t chunks = 0;
  for (const auto& path : list_files(data, split)) {
    const ParquetFile file(path);
    file.check(requests);
    if (carrier != nullptr) carrier->see(file);
    SplitFile entry{.path = path, .metadata = nullptr, .rows = 0, .size_bytes = file.size_bytes()};
    if (chunks + file.column_chunks() <= kKeptChunks) {
      chunks += file.column_chunks();
      entry.metadata = file.metadata();
    }
    for (size_t i = 0; i < file.row_group_rows().size(); ++i) {
      const int64_t rows = file.row_group_rows()[i];
      out.units.push_back({.file = static_cast<int>(out.files.size()),
                           .row_group = static_cast<int>(i),
                           .rows = rows,
                           .first_in_file = entry.rows,
                           .first_in_split = out.rows});
      entry.rows += rows;
      out.rows += rows;
    }
    out.files.push_back(std::move(entry));
  }
  return out;
}

ReadPlan::ReadPlan(const config::Data& config, const SourceOptions& source_options)
    : data(config),
      options(checked(config, source_options)),
      schema(FeatureSchema::from(config)),
      columns(all_requests(config, source_options)),
      decoder(config, schema, columns),
      carrier(source_options.carry, columns),
      split(open_split(config, source_options.split, all_requests(config, source_options), &carrier)),
      order(unit_rows(split), order_options(config, source_options)),
      first_lane(config.lanes() * source_options.rank / source_options.ranks),
      last_lane(config.lanes() * (source_options.rank + 1) / source_options.ranks),
      scenarios(scenario_keys(config)) {
  check_not_empty(*this);
}

}  // namespace polyscene
