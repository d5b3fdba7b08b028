#include "core/train/trained_run.h"

#include "core/config/load.h"
#include "core/train/model_files.h"
#include "core/train/run_folder.h"

namespace polyscene {

config::Experiment load_run_config(const std::string& run, const std::vector<std::string>& overrides) {
  const RunFolder folder(run);
  folder.require_model();
  return load_experiment(folder.model() + "/config.pbtxt", overrides);
}

TrainedRun::TrainedRun(const std::string& run, const config::Experiment& experiment, Split split,
                       Communicator& communicator)
    : schema_(FeatureSchema::from(experiment.data())) {
  source_ = make_parquet_source(experiment.data(), {.split = split,
                                                    .rank = communicator.rank(),
                                                    .ranks = communicator.size(),
                                                    .seed = experiment.seed(),
                                                    .batch_size = experiment.train().eval_batch_size(),
                                                    .shuffle = false,
                                                    .min_tail_share = 0,
                                                    .reject_file = ""});
  session_ = std::make_unique<Session>(experiment, schema_, communicator, SessionOptions{.training = false});
  load_model(RunFolder(run).model(), *session_);
}

}  // namespace polyscene
