#include "core/config/check.h"
#include "core/config/check_optimizer.h"
#include "core/config/experiment.pb.h"

namespace polyscene::core::config_text {
namespace {

using config::DenseOptimizer;
using config::Schedule;
using config::Train;

constexpr int kMaxBatch = 1 << 24;

void check_sizes(const Train& t, Problems& problems) {
  for (const auto& [path, rows] :
       {std::pair{"train.batch_size", t.batch_size()}, std::pair{"train.eval_batch_size", t.eval_batch_size()}})
    problems.require(rows >= 1 && rows <= kMaxBatch, path, " wants 1 to ", kMaxBatch, " rows, got ", rows);
  problems.require(t.epochs() >= 1, "train.epochs", " wants at least 1, got ", t.epochs(),
                   "; to stop sooner set train.max_steps");
  problems.require(t.max_steps() >= 0, "train.max_steps", " wants at least 0 (0: as many as the epochs have), got ",
                   t.max_steps());
  problems.require(t.clip_norm() >= 0 && std::isfinite(t.clip_norm()), "train.clip_norm",
                   " wants at least 0 (0: off), got ", t.clip_norm());
  problems.require(t.min_tail_share() >= 0 && t.min_tail_share() <= 1, "train.min_tail_share",
                   " wants a share from 0 to 1, got ", t.min_tail_share());
  problems.require(t.eval_every() >= 0, "train.eval_every",
                   " wants at least 0 steps (0: at the end of each epoch), got ", t.eval_every());
  problems.require(t.log_every() >= 1, "train.log_every", " wants at least 1 step, got ", t.log_every());
}

void check_checkpoint(const config::Checkpoint& c, Problems& problems) {
  problems.require(c.every_steps() >= 0, "train.checkpoint.every_steps", " wants at least 0 (0: none), got ",
                   c.every_steps());
  problems.require(c.keep_last() >= 1, "train.checkpoint.keep_last", " wants at least 1, got ", c.keep_last());
  problems.require(c.keep_every() >= 0, "train.checkpoint.keep_every", " wants at least 0 (0: no others), got ",
                   c.keep_every());
  problems.require(c.full_every() >= 1, "train.checkpoint.full_every", " wants at least 1 (1: all are full), got ",
                   c.full_every());
}

void check_warm_start(const config::WarmStart& w, Problems& problems) {
  problems.require(!w.from().empty(), "train.warm_start.from", " wants a run, a checkpoint or a model's folder");
  for (const auto& rename : w.rename())
    problems.require(!rename.to().empty() && !rename.from().empty(), "train.warm_start.rename",
                     " wants both from and to");
}

void check_virtual_ranks(const Train& t, const config::Data& data, Problems& problems) {
  problems.require(t.virtual_ranks() >= 0, "train.virtual_ranks",
                   " wants at least 0 (0: as many as there are ranks), got ", t.virtual_ranks());
  problems.require(t.virtual_ranks() <= data.lanes(), "train.virtual_ranks", " wants at most data.lanes (",
                   data.lanes(), "), since a rank reads whole lanes, got ", t.virtual_ranks());
}

void check_schedule(const Train& t, Problems& problems) {
  const Schedule& s = t.schedule();
  const std::string path = "train.schedule";
  problems.require(s.warmup_steps() >= 0, path + ".warmup_steps", " wants at least 0, got ", s.warmup_steps());
  problems.require(t.max_steps() <= 0 || s.warmup_steps() < t.max_steps(), path + ".warmup_steps",
                   " wants fewer than train.max_steps (", t.max_steps(), "), got ", s.warmup_steps(),
                   "; the full learning rate would never be reached");
  problems.require(s.decay_steps() >= 0, path + ".decay_steps", " wants at least 0 (0: to the end of training), got ",
                   s.decay_steps());
  problems.require(s.final_factor() >= 0 && s.final_factor() <= 1, path + ".final_factor",
                   " wants a factor from 0 to 1, got ", s.final_factor());
  if (s.decay() == Schedule::CONSTANT) {
    problems.require(!s.has_decay_steps(), path + ".decay_steps",
                     " has no effect with decay CONSTANT; add decay: LINEAR, COSINE or EXPONENTIAL");
    problems.require(!s.has_final_factor(), path + ".final_factor",
                     " has no effect with decay CONSTANT; add decay: LINEAR, COSINE or EXPONENTIAL");
  }
  if (s.decay() == Schedule::EXPONENTIAL) {
    problems.require(s.final_factor() > 0, path + ".final_factor",
                     " wants more than 0 with decay EXPONENTIAL (the factor per decay_steps), got ", s.final_factor());
    problems.require(s.decay_steps() > 0, path + ".decay_steps", " wants at least 1 with decay EXPONENTIAL, got ",
                     s.decay_steps());
  }
}

void check_validation(const Train& t, const config::Data& data, Problems& problems) {
  const bool validated = data.valid_files_size() > 0;
  problems.require(t.eval_every() <= 0 || validated, "train.eval_every",
                   " wants rows to evaluate, but data.valid_files is empty; add valid_files or remove eval_every");
  if (!t.has_early_stop()) return;
  const config::EarlyStop& stop = t.early_stop();
  problems.require(validated, "train.early_stop",
                   " wants rows to evaluate, but data.valid_files is empty; add valid_files or remove early_stop");
  problems.require(stop.patience() >= 1, "train.early_stop.patience", " wants at least 1 evaluation, got ",
                   stop.patience());
  problems.require(stop.min_delta() >= 0 && std::isfinite(stop.min_delta()), "train.early_stop.min_delta",
                   " wants at least 0, got ", stop.min_delta());
  problems.require(stop.metric() != config::EarlyStop::S_GAUC || !data.scenario_column().empty(),
                   "train.early_stop.metric",
                   " S_GAUC wants to know each row's scenario; set data.scenario_column or choose AUC");
}

}  // namespace

void check_train(const Train& train, const config::Data& data, Problems& problems) {
  check_sizes(train, problems);
  check_checkpoint(train.checkpoint(), problems);
  if (train.has_warm_start()) check_warm_start(train.warm_start(), problems);
  check_virtual_ranks(train, data, problems);
  const DenseOptimizer& o = train.optimizer();
  const bool adam = o.kind() == DenseOptimizer::ADAM || o.kind() == DenseOptimizer::ADAMW;
  check_optimizer("train.optimizer", o, adam, o.kind() == DenseOptimizer::ADAGRAD, problems);
  check_schedule(train, problems);
  check_validation(train, data, problems);
}

}  // namespace polyscene::core::config_text
