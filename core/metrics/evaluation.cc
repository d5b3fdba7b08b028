#include "core/metrics/evaluation.h"

#include <algorithm>
#include <cmath>

#include "core/metrics/binary_metrics.h"
#include "core/metrics/radix_sort.h"
#include "core/metrics/score_order.h"
#include "ops/base/error.h"
#include "ops/base/ratio.h"

namespace polyscene::core {
namespace {

bool same_scenario(const ScoredRow& a, const ScoredRow& b) { return a.scenario == b.scenario; }
bool same_group(const ScoredRow& a, const ScoredRow& b) { return a.group == b.group; }
bool same_both(const ScoredRow& a, const ScoredRow& b) { return same_group(a, b) && same_scenario(a, b); }

void check_columns(const Predictions& p, const std::vector<std::string>& group_names) {
  const auto check = [&](const char* column, size_t length, bool optional) {
    require(length == p.logits.size() || (optional && length == 0), "[metrics] wanted ", p.logits.size(), " rows in ",
            column, ", as many as logits, got ", length);
  };
  check("labels", p.labels.size(), false);
  check("scenario", p.scenario.size(), true);
  require(p.groups.size() == group_names.size(), "[metrics] wanted one column per group key (", group_names.size(),
          "), got ", p.groups.size());
  for (const auto& column : p.groups) check("a group key", column.size(), false);
}

// Throws when any rank has rows without defined metrics; counts are summed over ranks, so that all ranks throw alike.
void check_values(const Predictions& mine, dist::Communicator& communicator) {
  std::vector<int64_t> bad = {0, 0, std::ssize(mine.logits)};
  for (size_t i = 0; i < mine.logits.size(); ++i) {
    bad[0] += !std::isfinite(mine.logits[i]);
    bad[1] += mine.labels[i] != 0.0f && mine.labels[i] != 1.0f;
  }
  communicator.all_reduce<int64_t>(bad);
  require(bad[0] == 0, "[metrics] wanted finite logits, got ", bad[0], " NaN or infinite of ", bad[2],
          "; the model has diverged: lower the learning rates, set train.clip_norm, or find the node with --set "
          "train.debug_finite=true");
  require<DataError>(bad[1] == 0, "[metrics] wanted labels 0 and 1, got ", bad[1], " others of ", bad[2]);
}

// The rows of all ranks; the group is not set yet.
std::vector<ScoredRow> gather_rows(const Predictions& mine, dist::Communicator& communicator) {
  std::vector<ScoredRow> rows(mine.logits.size());
  for (size_t i = 0; i < rows.size(); ++i)
    rows[i] = {0, mine.scenario.empty() ? 0 : mine.scenario[i], pack_score(mine.logits[i], mine.labels[i] == 1.0f)};
  return communicator.all_gather_v<ScoredRow>(rows);
}

// Whether any rank has scenarios.
bool any_scenarios(const Predictions& mine, dist::Communicator& communicator) {
  int64_t any = mine.scenario.empty() ? 0 : 1;
  communicator.all_reduce<int64_t>({&any, 1}, dist::ReduceOp::kMax);
  return any > 0;
}

// Mean AUC of groups, weighted by rows.
class GroupedMean {
 public:
  explicit GroupedMean(std::string name) { result_.name = std::move(name); }

  void add(const std::optional<double>& auc, int64_t rows) {
    all_rows_ += rows;
    ++(auc ? result_.groups_used : result_.groups_skipped);
    if (!auc) return;
    kept_rows_ += rows;
    sum_ += static_cast<double>(rows) * *auc;
  }

  [[nodiscard]] GroupedAuc result() && {
    if (kept_rows_ > 0) result_.value = sum_ / static_cast<double>(kept_rows_);
    if (all_rows_ > 0) result_.rows_kept_share = ratio(kept_rows_, all_rows_);
    return std::move(result_);
  }

 private:
  GroupedAuc result_;
  int64_t all_rows_ = 0, kept_rows_ = 0;
  double sum_ = 0;
};

// Rows with the working memory to sort them. Sorts are stable, so the minor key is sorted first.
struct Sorter {
  std::vector<ScoredRow> rows, spare;

  void by_score() {
    stable_radix_sort(rows, spare, [](const ScoredRow& r) { return r.score; });
  }
  void by_scenario() {
    stable_radix_sort(rows, spare, [](const ScoredRow& r) { return ordered_bits(r.scenario); });
  }
  void by_group() {
    stable_radix_sort(rows, spare, [](const ScoredRow& r) { return ordered_bits(r.group); });
  }
};

// The sorter's rows must be ascending by score.
void evaluate_scenarios(Sorter& sorter, Evaluation& out) {
  sorter.by_scenario();
  GroupedMean mean("S-GAUC");
  for_each_run(sorter.rows, same_scenario, [&](std::span<const ScoredRow> run) {
    out.scenarios.push_back({run.front().scenario, metrics_of(run)});
    mean.add(out.scenarios.back().metrics.auc, out.scenarios.back().metrics.rows);
  });
  out.grouped.push_back(std::move(mean).result());
  std::stable_sort(out.scenarios.begin(), out.scenarios.end(),
                   [](const auto& a, const auto& b) { return a.metrics.rows > b.metrics.rows; });
}

template <class Same>
GroupedAuc mean_auc(const std::vector<ScoredRow>& rows, const Same& same, const std::string& name) {
  GroupedMean mean(name);
  for_each_run(rows, same, [&](std::span<const ScoredRow> run) { mean.add(auc_of(run), std::ssize(run)); });
  return std::move(mean).result();
}

void evaluate_group(Sorter& sorter, const std::string& name, bool scenarios, Evaluation& out) {
  sorter.by_score();
  sorter.by_group();
  out.grouped.push_back(mean_auc(sorter.rows, same_group, "GAUC(" + name + ")"));
  if (!scenarios) return;
  sorter.by_scenario();  // (scenario, group, score) has the same runs as (group, scenario, score)
  out.grouped.push_back(mean_auc(sorter.rows, same_both, "GAUC(" + name + " x scenario)"));
}

}  // namespace

// Gathers the column of one group key at a time, and writes it into the rows.
Evaluation evaluate(const Predictions& mine, const std::vector<std::string>& group_names,
                    dist::Communicator& communicator) {
  check_columns(mine, group_names);
  check_values(mine, communicator);
  const bool scenarios = any_scenarios(mine, communicator);
  const std::vector<ScoredRow> all = gather_rows(mine, communicator);
  Sorter sorter{all, {}};
  Evaluation out;
  sorter.by_score();
  out.overall = metrics_of(sorter.rows);
  if (scenarios)
    evaluate_scenarios(sorter, out);
  else
    out.grouped.push_back(GroupedMean("S-GAUC").result());
  for (size_t g = 0; g < group_names.size(); ++g) {
    const std::vector<int64_t> keys = communicator.all_gather_v<int64_t>(mine.groups[g]);
    for (size_t i = 0; i < all.size(); ++i) sorter.rows[i] = {keys[i], all[i].scenario, all[i].score};
    evaluate_group(sorter, group_names[g], scenarios, out);
  }
  return out;
}

}  // namespace polyscene::core
