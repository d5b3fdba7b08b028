// A finished run, opened again to score data: its configuration, model and one split.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/checkpoint/held_model.h"
#include "core/config/experiment.pb.h"
#include "core/data/batch_source.h"
#include "core/session/session.h"

namespace polyscene::core {

struct ScoreJob {
  std::string run;    // folder that training wrote
  bool best = false;  // the model of the best evaluation, where it is kept beside the last one
  Split split = Split::kTest;
  // What predictions show comes along with the batches, and these columns of the files too; labels may be missing.
  bool predicts = false;
  std::vector<std::string> carry;
  std::string rejects;                 // folder for bad records, SPLIT-rankR.jsonl; empty: they are counted only
  std::vector<std::string> overrides;  // of the configuration
};

// The resolved configuration of a run, with overrides. Throws InvalidArgument when the folder holds no trained model.
[[nodiscard]] config::Experiment load_run_config(const ScoreJob& job);

class TrainedRun {
 public:
  // Collective. All ranks open the model that the first one finds, whatever training saves meanwhile, and the
  // configuration beside it. Throws Error of the kind that fits.
  TrainedRun(const ScoreJob& job, const dist::Rank& rank);

  [[nodiscard]] Session& session() { return *session_; }
  [[nodiscard]] BatchSource& source() { return *source_; }
  // Those that the batches have.
  [[nodiscard]] const std::vector<std::string>& labels() const { return labels_; }

 private:
  HeldModel model_;
  config::Experiment experiment_;
  FeatureSchema schema_;
  std::vector<std::string> labels_;
  std::unique_ptr<BatchSource> source_;
  std::unique_ptr<Session> session_;
};

}  // namespace polyscene::core
