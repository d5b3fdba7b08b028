#include "core/data/batch_builder.h"

#include <algorithm>
#include <utility>

namespace polyscene::core {
namespace {

// More names than ScenarioNames keeps. Beyond this bound the set is cleared, and names are sent again.
constexpr size_t kNamesRemembered = 1'000'000;

struct Lanes {
  int first, last;  // [first, last)
};

// The rank's share of a group's lanes.
Lanes own_lanes(const ReadPlan& plan, const LaneGroup& group) {
  return {std::max(group.first_lane, plan.first_lane), std::min(group.first_lane + group.lanes, plan.last_lane)};
}

// The row of the group's stream that is element `position` of `lane`: rows are dealt round robin.
int64_t row_of(const LaneGroup& group, int lane, int64_t position) {
  return position * group.lanes + (lane - group.first_lane);
}

// The first row of the group's stream that the rank's lanes still need at these lane positions.
int64_t first_row(const ReadPlan& plan, const LaneGroup& group, const std::vector<int64_t>& positions) {
  const Lanes own = own_lanes(plan, group);
  int64_t row = group.rows();
  for (int lane = own.first; lane < own.last; ++lane) {
    row = std::min(row, row_of(group, lane, positions[lane]));
  }
  return row;
}

}  // namespace

BatchBuilder::BatchBuilder(const ReadPlan& plan, int64_t epoch, int64_t first_step)
    : plan_(plan), step_(first_step), begin_(plan.order.lane_positions(first_step)) {
  std::vector<FeedGroup> wanted;
  for (size_t g = 0; g < plan.order.groups().size(); ++g) {
    const LaneGroup& group = plan.order.groups()[g];
    const Lanes own = own_lanes(plan, group);
    if (own.first >= own.last || group.rows() == 0) continue;
    const int64_t window = first_row(plan, group, begin_) / group.window_rows;
    wanted.push_back({static_cast<int>(g), window});
    Held held;
    held.group = &group;
    held.first_window = window;
    held_.push_back(std::move(held));
  }
  feed_ = std::make_unique<WindowFeed>(plan, epoch, wanted);
}

std::optional<ReadBatch> BatchBuilder::next() {
  if (step_ >= plan_.order.steps()) return std::nullopt;
  const std::vector<int64_t> end = plan_.order.lane_positions(step_ + 1);
  ReadBatch out;
  runs_.clear();
  for (size_t slot = 0; slot < held_.size(); ++slot) {
    Held& held = held_[slot];
    const Lanes own = own_lanes(plan_, *held.group);
    for (int lane = own.first; lane < own.last; ++lane) {
      const size_t l = lane;
      if (begin_[l] == end[l]) continue;
      if (!hold_until(slot, row_of(*held.group, lane, end[l] - 1))) return std::nullopt;
      collect(held, begin_[l], end[l], lane, out);
    }
  }
  out.batch = gather(plan_.schema, !plan_.data.time_column().empty(), runs_);
  if (!plan_.carrier.empty()) out.batch.carried = plan_.carrier.gather(runs_);
  name_scenarios(out.batch);
  out.batch.global_rows = plan_.order.rows_of_step(step_);
  out.batch.step = step_++;
  begin_ = end;
  for (Held& held : held_) release_before(held, first_row(plan_, *held.group, begin_));
  return out;
}

// Takes windows until `row` of the slot's lane group is held. False when the feed was stopped.
bool BatchBuilder::hold_until(size_t slot, int64_t row) {
  Held& held = held_[slot];
  const int64_t window = row / held.group->window_rows;
  while (held.first_window + std::ssize(held.windows) <= window) {
    auto next = feed_->take(slot);
    if (next == nullptr) return false;
    held.windows.push_back(std::move(next));
  }
  return true;
}

void BatchBuilder::release_before(Held& held, int64_t row) {
  while (!held.windows.empty() && (held.first_window + 1) * held.group->window_rows <= row) {
    feed_->give_back(std::move(held.windows.front()));
    held.windows.erase(held.windows.begin());
    ++held.first_window;
  }
}

void BatchBuilder::collect(const Held& held, int64_t begin, int64_t end, int lane, ReadBatch& out) {
  const LaneGroup& group = *held.group;
  for (int64_t position = begin; position < end;) {
    const int64_t window = row_of(group, lane, position) / group.window_rows;
    const int64_t window_end = (window + 1) * group.window_rows;
    RowRun run{.window = held.windows[window - held.first_window].get(), .rows = {}};
    for (; position < end; ++position) {
      const int64_t row = row_of(group, lane, position);
      if (row >= window_end) break;
      add_row(*run.window, run.window->order[row - window * group.window_rows], run.rows, out);
    }
    runs_.push_back(std::move(run));
  }
}

void BatchBuilder::name_scenarios(Batch& batch) {
  if (named_.size() > kNamesRemembered) named_.clear();
  for (const RowRun& run : runs_) {
    if (run.window->scenario_names.empty()) continue;
    int64_t before = kMissingKey;
    for (const int32_t row : run.rows) {
      const int64_t key = run.window->columns.scenario[row];
      if (key == before) continue;
      before = key;
      const auto name = run.window->scenario_names.find(key);
      if (name != run.window->scenario_names.end() && named_.insert(key).second) batch.scenario_names.push_back(*name);
    }
  }
}

void BatchBuilder::add_row(const Window& window, int32_t row, std::vector<int32_t>& rows, ReadBatch& out) const {
  const size_t r = row;
  if (!plan_.scenarios.keeps(window.columns.scenario[r])) {
    ++out.counters.rows_skipped;
    return;
  }
  ++out.counters.rows_read;
  if (window.bad[r] == 0) [[likely]] {
    out.counters.sequences_cut += window.sequences_cut[r];
    out.counters.bags_cut += window.bags_cut[r];
    rows.push_back(row);
    return;
  }
  ++out.counters.rows_bad;
  const RowSpan& span = window.span_of(row);
  const Reject& reject = window.reject_of(row);
  out.bad.push_back({.file = span.file,
                     .row_in_file = span.first_in_file + (row - span.first),
                     .row_in_split = span.first_in_split + (row - span.first),
                     .column = reject.column,
                     .reason = reject.reason,
                     .value = reject.value});
}

}  // namespace polyscene::core
