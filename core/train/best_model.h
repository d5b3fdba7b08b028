// The one owner of a run's best evaluation and of the models that are saved for it: which evaluation is the best, when
// train.early_stop ends training, and which models the links model and best_model of the run name.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/run_models.h"
#include "core/config/experiment.pb.h"
#include "core/metrics/evaluation.h"
#include "dist/communicator.h"

namespace polyscene::core {

class BestModel {
 public:
  // Writes the model as it is now into a folder of that name. Collective.
  using Save = std::function<void(const std::string& folder)>;
  enum class Verdict { kBest, kNotBetter, kUndefined };

  // `valid`: describe_files() of the validation files; empty: no evaluations. Everything but that must outlive this.
  BestModel(const config::Train& train, std::string valid, const RunFolder& run, dist::Communicator& communicator,
            Save save);

  // All of these are collective, and throw DataError.

  // Takes over what a checkpoint says of the best evaluation so far, and makes both links what they were. An evaluation
  // of another metric or of other files is not compared, and without its model none is the best: then it starts anew,
  // and the sentence that is returned says why.
  [[nodiscard]] std::string resume_from(const std::optional<BestSoFar>& saved);
  // Takes in one evaluation. Saves the model where it is the best so far, and links model and best_model to it. One
  // whose metric is undefined is neither the best nor counts for train.early_stop.
  [[nodiscard]] Verdict evaluated(const Evaluation& evaluation, int64_t step);
  // At the end of training: model becomes the best one with train.early_stop and an evaluation that had one, else that
  // of the last step, which is saved.
  void finish(int64_t last_step);

  // Whether train.early_stop ends training here.
  [[nodiscard]] bool should_stop() const;
  [[nodiscard]] const std::optional<BestSoFar>& best() const { return best_; }
  // The name of the watched metric for people: "AUC".
  [[nodiscard]] const char* metric_name() const;
  // Whether model is, after finish(), that of the best evaluation.
  [[nodiscard]] bool ends_with_best() const { return train_.has_early_stop() && best_.has_value(); }

  // The models of a checkpoint that is being written stay; empty: there is none.
  void keep(const std::string& model) { models_.keep(model); }

 private:
  [[nodiscard]] std::string why_not_comparable(const BestSoFar& saved);
  // Saves under a new name, the same on all ranks, which it returns.
  [[nodiscard]] std::string save(int64_t step);
  void on_first_rank(const std::function<void()>& work);

  const config::Train& train_;
  std::string valid_;
  const RunFolder& run_;
  dist::Communicator& communicator_;
  Save save_;
  RunModels models_;
  std::optional<BestSoFar> best_;
};

}  // namespace polyscene::core
