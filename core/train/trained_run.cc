#include "core/train/trained_run.h"

#include <filesystem>

#include "core/checkpoint/hash_check.h"
#include "core/checkpoint/model_files.h"
#include "core/data/absent_columns.h"
#include "core/data/file_list.h"
#include "core/data/reject_files.h"
#include "core/files/file_advice.h"
#include "core/run/output_rule.h"
#include "core/run/run_folder.h"
#include "core/train/open_source.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

// Files of an earlier pass, perhaps of more ranks, go. Another's file of such a name, or a folder, stays.
void clear_rejects(const ScoreJob& job) {
  require_output_folder("--rejects", job.rejects, {});
  std::error_code error;
  fs::create_directories(job.rejects, error);
  require<DataError>(!error, "[train] cannot make the folder ", job.rejects, ": ", error.message(),
                     file_advice(error.value(), job.rejects));
  for (const std::string& file : reject_files(job.rejects, split_name(job.split))) {
    require(is_reject_file(file), "[train] wanted to write the list of bad records to ", file,
            ", which exists and is not such a list; choose another folder for --rejects");
    fs::remove(file, error);
    require<DataError>(!error, "[train] cannot replace ", file, ": ", error.message(),
                       file_advice(error.value(), file));
  }
}

std::string own_reject_file(const ScoreJob& job, dist::Communicator& communicator) {
  if (job.rejects.empty()) return "";
  if (communicator.rank() == 0) clear_rejects(job);
  communicator.barrier();
  return reject_file(job.rejects, split_name(job.split), communicator.rank());
}

}  // namespace

config::Experiment load_run_config(const ScoreJob& job) {
  return load_whole_experiment(HeldModel::of_run(job.run, job.best).path(), kRestoreModel, job.overrides);
}

TrainedRun::TrainedRun(const ScoreJob& job, const dist::Rank& rank)
    : model_(HeldModel::of_run(job.run, job.best).agreed(rank.communicator)),
      experiment_(load_whole_experiment(model_.path(), kRestoreModel, job.overrides)),
      schema_(FeatureSchema::from(experiment_.data())) {
  const config::Experiment& experiment = experiment_;
  config::Data data = experiment.data();
  if (job.predicts) leave_out_absent_labels(data, job.split);
  labels_ = FeatureSchema::from(data).labels;
  const auto carried = job.predicts ? prediction_columns(data, job.carry) : std::vector<CarriedColumn>();
  source_ = open_source(data,
                        {.split = job.split,
                         .seed = experiment.seed(),
                         .batch_size = experiment.train().eval_batch_size(),
                         .shuffle = false,
                         .min_tail_share = 0,
                         .reject_file = own_reject_file(job, rank.communicator),
                         .carry = carried},
                        rank.communicator);
  session_ = std::make_unique<Session>(experiment, schema_, rank, SessionOptions{.training = false});
  load_model(model_.path(), session_->state());
}

}  // namespace polyscene::core
