#include "core/train/trained_run.h"

#include <filesystem>

#include "core/checkpoint/model_files.h"
#include "core/config/load.h"
#include "core/data/file_list.h"
#include "core/train/run_folder.h"

namespace polyscene {
namespace fs = std::filesystem;
namespace {

// Of this pass alone: files of an earlier one with more ranks are removed.
std::string own_reject_file(const ScoreJob& job, Communicator& communicator) {
  if (job.rejects.empty()) return "";
  const auto file_of = [&](int rank) { return reject_file(job.rejects, split_name(job.split), rank); };
  std::error_code error;
  fs::create_directories(job.rejects, error);
  require<DataError>(!error, "[train] cannot make the folder ", job.rejects, ": ", error.message(),
                     "; choose a writable place for --rejects");
  if (communicator.rank() == 0)
    for (int rank = 0; fs::is_regular_file(file_of(rank), error) && fs::remove(file_of(rank), error); ++rank) continue;
  communicator.barrier();
  return file_of(communicator.rank());
}

}  // namespace

config::Experiment load_run_config(const ScoreJob& job, const std::vector<std::string>& overrides) {
  return load_experiment(RunFolder(job.run).trained_model(job.best) + "/config.pbtxt", overrides);
}

TrainedRun::TrainedRun(const ScoreJob& job, const config::Experiment& experiment, Communicator& communicator,
                       Device* device)
    : schema_(FeatureSchema::from(experiment.data())) {
  source_ = make_parquet_source(experiment.data(), {.split = job.split,
                                                    .rank = communicator.rank(),
                                                    .ranks = communicator.size(),
                                                    .seed = experiment.seed(),
                                                    .batch_size = experiment.train().eval_batch_size(),
                                                    .shuffle = false,
                                                    .min_tail_share = 0,
                                                    .reject_file = own_reject_file(job, communicator)});
  session_ = std::make_unique<Session>(experiment, schema_, communicator,
                                       SessionOptions{.training = false, .device = device, .transport = job.transport});
  load_model(RunFolder(job.run).trained_model(job.best), *session_);
}

}  // namespace polyscene
