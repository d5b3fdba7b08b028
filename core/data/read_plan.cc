#include "core/data/read_plan.h"

#include "core/config/valid.h"
#include "core/data/file_list.h"
#include "core/text/suggest.h"
#include "ops/base/error.h"
#include "ops/base/warning.h"

namespace polyscene::core {
namespace {

const SourceOptions& checked(const config::Data& data, const SourceOptions& options) {
  require_valid_reader(data);
  require(options.ranks >= 1 && options.rank >= 0 && options.rank < options.ranks,
          "[data] wanted a rank of 0 .. ranks - 1, got rank ", options.rank, " of ", options.ranks);
  require(options.ranks <= data.lanes(), "[data] ", options.ranks, " ranks, but data.lanes is ", data.lanes(),
          " and every rank needs a lane; raise data.lanes to at least ", options.ranks,
          " (which changes the order of the samples)");
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

std::vector<ColumnRequest> all_requests(const config::Data& data, const SourceOptions& options) {
  std::vector<ColumnRequest> requests = column_requests(data);
  for (ColumnRequest& request : column_requests(options.carry)) requests.push_back(std::move(request));
  return requests;
}

void check_not_empty(const ReadPlan& plan) {
  const char* name = split_name(plan.options.split);
  require<DataError>(plan.split.rows > 0 || plan.options.named.empty(), "[data] ", plan.options.named,
                     " holds no rows");
  require<DataError>(plan.split.rows > 0, "[data] the ", plan.split.files.size(), " file(s) of split ", name,
                     " hold no rows; check data.", name, "_files");
  require<DataError>(plan.order.steps() > 0, "[data] split ", name, " has ", plan.split.rows,
                     " rows, less than min_tail_share ", plan.options.min_tail_share, " of one batch of ",
                     plan.options.batch_size,
                     ", so that an epoch would have no step; lower the batch size or "
                     "min_tail_share");
}

// Without this check a misspelt scenario would silently train on fewer rows, or on none.
void check_scenarios(const ReadPlan& plan) {
  const std::vector<std::string> absent = absent_scenarios(plan.data, plan.scenarios, plan.split);
  if (absent.empty()) return;
  const std::string message =
      str("[data] no row of split ", split_name(plan.options.split), " has ", config_text::join(absent),
          " of data.only_scenarios in column \"", plan.data.scenario_column(),
          "\"; polyscene data inspect shows the scenarios of the files");
  require<DataError>(static_cast<int>(absent.size()) < plan.data.only_scenarios_size(), message);
  warn(message);
}

}  // namespace

ReadPlan::ReadPlan(const config::Data& config, const SourceOptions& source_options)
    : data(config),
      options(checked(config, source_options)),
      schema(FeatureSchema::from(config)),
      columns(all_requests(config, source_options)),
      decoder(config, schema, columns),
      carrier(source_options.carry, columns),
      split(open_split(config, source_options.split, all_requests(config, source_options),
                       source_options.ids != nullptr ? *source_options.ids : IdKinds(config), &carrier)),
      order(unit_rows(split), order_options(config, source_options)),
      first_lane(config.lanes() * source_options.rank / source_options.ranks),
      last_lane(config.lanes() * (source_options.rank + 1) / source_options.ranks),
      scenarios(config, split.ids.forms_for(kScenarioColumn)) {
  options.ids = nullptr;  // belongs to another source, which may be destroyed first
  check_not_empty(*this);
  if (options.rank == 0) check_scenarios(*this);  // one rank reads for all
}

}  // namespace polyscene::core
