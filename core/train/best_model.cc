#include "core/train/best_model.h"

#include <filesystem>
#include <utility>

#include "core/checkpoint/folders.h"
#include "core/session/together.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

std::optional<double> value_of(config::EarlyStop::Metric metric, const Evaluation& evaluation) {
  switch (metric) {
    case config::EarlyStop::AUC:
      return evaluation.overall.auc;
    case config::EarlyStop::LOGLOSS:
      return evaluation.overall.logloss;
    case config::EarlyStop::S_GAUC:
      return evaluation.grouped.empty() ? std::nullopt : evaluation.grouped.front().value;
  }
  return std::nullopt;
}

}  // namespace

BestModel::BestModel(const config::Train& train, std::string valid, const RunFolder& run,
                     dist::Communicator& communicator, Save save)
    : train_(train),
      valid_(std::move(valid)),
      run_(run),
      communicator_(communicator),
      save_(std::move(save)),
      models_(run) {}

const char* BestModel::metric_name() const {
  switch (train_.early_stop().metric()) {
    case config::EarlyStop::AUC:
      return "AUC";
    case config::EarlyStop::LOGLOSS:
      return "logloss";
    case config::EarlyStop::S_GAUC:
      return "S-GAUC";
  }
  return "";
}

std::string BestModel::why_not_comparable(const BestSoFar& saved) {
  int64_t there = 0;
  on_first_rank([&] { there = models_.has(saved.model) ? 1 : 0; });
  communicator_.broadcast<int64_t>({&there, 1}, 0);
  const std::string& metric = config::EarlyStop::Metric_Name(train_.early_stop().metric());
  if (saved.metric != metric && !saved.metric.empty())
    return str("is by ", saved.metric, ", and train.early_stop.metric is ", metric, " now");
  if (saved.valid != valid_ && !saved.valid.empty())
    return str("is of other validation files (", saved.valid, "; now ", valid_.empty() ? "none" : valid_, ")");
  if (there == 0)
    return "has no model in " + run_.models() + " (copy models/ and its links with the checkpoints to keep it)";
  return {};
}

std::string BestModel::resume_from(const std::optional<BestSoFar>& saved) {
  best_ = saved;
  std::string why = saved ? why_not_comparable(*saved) : "";
  if (!why.empty()) best_.reset();
  if (best_ && !train_.has_early_stop()) best_->misses = 0;
  on_first_rank([&] {
    if (best_) {
      models_.link(run_.best_model(), best_->model);
      models_.link(run_.model(), best_->model);
    } else {
      if (saved && models_.has(saved->model)) models_.link(run_.earlier_best_model(), saved->model);
      const std::string moved = models_.unlink(run_.best_model());
      if (!moved.empty()) models_.link(run_.earlier_best_model(), moved);
    }
    models_.prune();
  });
  if (why.empty()) return {};
  std::error_code error;
  return str(
      "the best evaluation so far, of step ", saved->step, ", ", why, ": it is not compared with later evaluations",
      std::filesystem::exists(run_.earlier_best_model(), error) ? "; its model stays as " + run_.earlier_best_model()
                                                                : "");
}

BestModel::Verdict BestModel::evaluated(const Evaluation& evaluation, int64_t step) {
  const config::EarlyStop& watched = train_.early_stop();
  const std::optional<double> now = value_of(watched.metric(), evaluation);
  if (!now) return Verdict::kUndefined;
  const double sign = watched.metric() == config::EarlyStop::LOGLOSS ? -1 : 1;
  if (best_ && !(sign * (*now - best_->value) > watched.min_delta())) {
    best_->misses += train_.has_early_stop() ? 1 : 0;
    return Verdict::kNotBetter;
  }
  const std::string model = save(step);
  best_ = {.metric = config::EarlyStop::Metric_Name(watched.metric()),
           .value = *now,
           .step = step,
           .misses = 0,
           .model = model,
           .valid = valid_};
  // In this order: whoever comes between finds the best model behind best_model.
  on_first_rank([&] {
    models_.link(run_.best_model(), model);
    models_.link(run_.model(), model);
  });
  return Verdict::kBest;
}

bool BestModel::should_stop() const {
  return train_.has_early_stop() && best_ && best_->misses >= train_.early_stop().patience();
}

void BestModel::finish(int64_t last_step) {
  const bool best_stays = best_ && (train_.has_early_stop() || best_->step == last_step);
  const std::string model = best_stays ? best_->model : save(last_step);
  on_first_rank([&] {
    models_.link(run_.model(), model);
    models_.prune();
  });
}

std::string BestModel::save(int64_t step) {
  std::string mine;
  // What readers of the model before the present one may still look at goes only now.
  on_first_rank([&] {
    models_.prune();
    make_folder(run_.models());
    mine = models_.new_name(step);
  });
  const std::vector<char> name = communicator_.all_gather_v<char>(std::span<const char>(mine));
  std::string agreed(name.begin(), name.end());
  save_(models_.folder(agreed));
  return agreed;
}

void BestModel::on_first_rank(const std::function<void()>& work) {
  together(communicator_, [&] {
    if (communicator_.rank() == 0) work();
  });
}

}  // namespace polyscene::core
