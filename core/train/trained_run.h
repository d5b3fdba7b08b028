// A finished run, opened again to score data: its configuration, model and one split.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/data/batch_source.h"
#include "core/train/session.h"

namespace polyscene {

// The resolved configuration of a run, with overrides. Throws InvalidArgument when the folder holds no trained model.
[[nodiscard]] config::Experiment load_run_config(const std::string& run, const std::vector<std::string>& overrides);

class TrainedRun {
 public:
  // Collective in what it is used for. `experiment` and `communicator` must outlive this.
  TrainedRun(const std::string& run, const config::Experiment& experiment, Split split, Communicator& communicator);

  [[nodiscard]] Session& session() { return *session_; }
  [[nodiscard]] BatchSource& source() { return *source_; }
  [[nodiscard]] const FeatureSchema& schema() const { return schema_; }

 private:
  FeatureSchema schema_;
  std::unique_ptr<BatchSource> source_;
  std::unique_ptr<Session> session_;
};

}  // namespace polyscene
