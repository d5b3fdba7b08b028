#include "core/checkpoint/checkpoint.h"

#include <google/protobuf/util/message_differencer.h>
#include <sys/resource.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/checkpoint/file_hashes.h"
#include "core/checkpoint/folders.h"
#include "core/checkpoint/hash_check.h"
#include "core/checkpoint/manifest_file.h"
#include "core/checkpoint/model_parts.h"
#include "core/checkpoint/newest_undamaged.h"
#include "core/config/load.h"
#include "core/session/together.h"
#include "core/text/suggest.h"
#include "ops/base/thread.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

using checkpoint::Manifest;
using checkpoint::name_of;
using checkpoint::read_manifest;
using checkpoint::steps_in;

// Records the current lengths of the run's logs, to which resume truncates them.
void add_logs(Manifest& manifest, const RunFolder& run) {
  const auto add = [&](const fs::path& path) {
    checkpoint::File& entry = *manifest.add_log();
    entry.set_name(path.lexically_relative(run.path()).string());
    std::error_code error;
    entry.set_bytes(static_cast<int64_t>(fs::file_size(path, error)));
    require<DataError>(!error, "[checkpoint] cannot read the size of ", path.string(), ": ", error.message());
  };
  std::error_code error;
  if (fs::exists(run.metrics(), error)) add(run.metrics());
  std::vector<fs::path> events;
  for (fs::directory_iterator file(run.events(), error); !error && file != fs::directory_iterator();
       file.increment(error))
    events.push_back(file->path());
  std::ranges::sort(events);
  for (const fs::path& path : events) add(path);
}

void restore_logs(const Manifest& manifest, const RunFolder& run) {
  std::error_code error;
  for (fs::directory_iterator file(run.events(), error); !error && file != fs::directory_iterator();
       file.increment(error)) {
    const std::string name = file->path().lexically_relative(run.path()).string();
    if (std::ranges::none_of(manifest.log(), [&](const auto& log) { return log.name() == name; }))
      fs::remove(file->path(), error);
  }
  for (const checkpoint::File& log : manifest.log()) {
    const std::string path = run.path() + "/" + log.name();
    const auto bytes = static_cast<uintmax_t>(log.bytes());
    if (fs::exists(path, error) && fs::file_size(path, error) > bytes) fs::resize_file(path, bytes, error);
    require<DataError>(!error, "[checkpoint] cannot cut ", path, " back to ", bytes, " bytes: ", error.message());
  }
}

// Whether the best evaluation was at the checkpoint's step. A damaged manifest is no error here: resume from it reports
// the damage.
bool is_of_best_step(const std::string& checkpoint) {
  try {
    const Manifest manifest = read_manifest(checkpoint);
    return manifest.best_step() == manifest.step();
  } catch (const DataError&) {
    return false;
  }
}

// Removes what is not kept once the checkpoint of `step` is written: older checkpoints, unfinished ones of a job that
// was killed, and later ones, which the run wrote before it resumed from an earlier checkpoint.
std::vector<std::string> remove_others(const std::string& folder, const config::Checkpoint& keep, int64_t step) {
  std::vector<int64_t> steps = steps_in(folder);
  for (; steps.back() > step; steps.pop_back()) remove_folder(folder + "/" + name_of(steps.back()));
  std::optional<int64_t> best;
  if (keep.keep_best())
    for (const int64_t s : steps)
      if (is_of_best_step(folder + "/" + name_of(s))) best = s;
  const size_t last = keep.keep_last();
  std::set<std::string> kept;
  for (size_t i = 0; i < steps.size(); ++i)
    if (i + last >= steps.size() || (keep.keep_every() > 0 && steps[i] % keep.keep_every() == 0) || steps[i] == best) {
      const std::string path = folder + "/" + name_of(steps[i]);
      kept.insert(path);
      try {
        for (const std::string& link : chain_of(path)) kept.insert(link);
      } catch (const DataError&) {
        // A base is missing: resume from this checkpoint reports it.
      }
    }
  std::vector<std::string> removed;
  for (const int64_t s : steps)
    if (const std::string path = folder + "/" + name_of(s); !kept.contains(path)) {
      remove_folder(path);
      removed.push_back(name_of(s));
    }
  std::vector<std::string> unfinished;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error))
    if (entry->path().extension() == ".partial") unfinished.push_back(entry->path().string());
  for (const std::string& path : unfinished) remove_folder(path);
  return removed;
}

void fill(Manifest& manifest, const TrainPosition& p) {
  manifest.set_step(p.step);
  manifest.set_trained_steps(p.trained_steps);
  manifest.set_epoch(p.epoch);
  manifest.set_batches(p.batches);
  manifest.set_rows_trained(p.rows_trained);
  if (!p.best) return;
  manifest.set_best(p.best->value);
  manifest.set_best_step(p.best->step);
  manifest.set_misses(p.best->misses);
  manifest.set_best_metric(p.best->metric);
  manifest.set_best_model(p.best->model);
  manifest.set_valid(p.best->valid);
}

TrainPosition position_of(const Manifest& m) {
  TrainPosition p{.step = m.step(),
                  .trained_steps = m.trained_steps(),
                  .epoch = m.epoch(),
                  .batches = m.batches(),
                  .rows_trained = m.rows_trained(),
                  .best = {}};
  if (m.has_best() && m.has_best_step())
    p.best = {.metric = m.best_metric(),
              .value = m.best(),
              .step = m.best_step(),
              .misses = m.misses(),
              .model = m.best_model(),
              .valid = m.valid()};
  return p;
}

// Clears the fields that may change on resume, by their option in experiment.proto; all others must stay the same.
void clear_what_may_change(google::protobuf::Message& message) {
  const google::protobuf::Reflection& values = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;  // fields that are set
  values.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->options().GetExtension(config::may_change))
      values.ClearField(&message, field);
    else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE && !field->is_repeated())
      clear_what_may_change(*values.MutableMessage(&message, field));
  }
}

// A configuration without a part differs from one whose part says nothing: both get all parts.
void clear_what_resume_may_change(config::Experiment& e) {
  e.mutable_data();
  e.mutable_embedding();
  e.mutable_train();
  clear_what_may_change(e);
}

void clear_what_may_be_converted(config::Experiment& e) {
  const int partitions = e.embedding().partitions();
  clear_what_resume_may_change(e);
  e.clear_model();
  e.clear_embedding();
  e.mutable_embedding()->set_partitions(partitions);
  e.mutable_train()->clear_optimizer();
}

constexpr const char* kTakeAnother = "use another checkpoint; polyscene checkpoint verify says which are undamaged";

// Fields that `clear` leaves may not differ.
config::Experiment load_config(const std::string& checkpoint, const std::vector<std::string>& overrides,
                               void (*clear)(config::Experiment&), const char* rule, const char* advice) {
  config::Experiment before = load_whole_experiment(checkpoint, kTakeAnother),
                     now = load_saved_experiment(checkpoint, overrides);
  const config::Experiment result = now;
  clear(before);
  clear(now);
  std::string differences;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&differences);
  const bool same = differencer.Compare(before, now);
  require(same, "[checkpoint] ", rule, ", got ", differences.substr(0, differences.find('\n')), "; ", advice);
  return result;
}

std::string end_of_file(const std::string& path, uintmax_t size) {
  constexpr uintmax_t kEnd = 1 << 16;
  std::string end(std::min(size, kEnd), '\0');
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(size - end.size())).read(end.data(), static_cast<std::streamsize>(end.size()));
  require<DataError>(file.good() || end.empty(), "[checkpoint] cannot read the end of ", path,
                     "; check that it is a readable file and that no other process writes it");
  return end;
}

}  // namespace

std::string describe_files(const std::vector<std::string>& files, bool ends) {
  uint64_t hash = 0;
  uintmax_t bytes = 0;
  for (const std::string& path : files) {
    const uintmax_t size = fs::file_size(path);
    const std::string text = str(fs::path(path).filename().string(), '\n', size);
    hash = XXH3_64bits_withSeed(text.data(), text.size(), hash);
    if (ends) {
      const std::string end = end_of_file(path, size);
      hash = XXH3_64bits_withSeed(end.data(), end.size(), hash);
    }
    bytes += size;
  }
  char hex[20];
  std::snprintf(hex, sizeof(hex), "%016llx", static_cast<unsigned long long>(hash));
  return str(files.size(), " files, ", bytes, " bytes, ", hex);
}

CheckpointSave::CheckpointSave(const RunFolder& run, const config::Experiment& experiment, const std::string& data,
                               const TrainPosition& position, const ModelState& model,
                               std::optional<CheckpointBase> base)
    : run_(run),
      experiment_(experiment),
      position_(position),
      model_(model),
      base_(base),
      updates_(model.tables.update_steps()),
      partial_path_(run.checkpoints() + "/" + name_of(position.step) + ".partial"),
      partial_(model.communicator.rank() == 0 ? partial_path_ : "") {
  together(model.communicator, [&] {
    if (model.communicator.rank() != 0) return;
    remove_folder(partial_path_);
    make_folder(partial_path_ + "/tables");
    Manifest manifest;
    manifest.set_schema(base ? checkpoint::kIncremental : checkpoint::kFull);
    if (base) manifest.set_base(name_of(base->step));
    fill(manifest, position);
    manifest.set_table_updates(updates_);
    manifest.set_ranks(model.communicator.size());
    manifest.set_data(data);
    add_logs(manifest, run);
    common_manifest_ = manifest.SerializeAsString();
  });
  copy_ = copy_model(model);
  try {
    // With low priority the thread takes about a tenth of a busy processor, and a whole one when training waits for it.
    thread_ = start_thread([this] {
      ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
      write();
    });
  } catch (const DeviceError&) {
    write();  // no thread: training waits
  }
}

CheckpointSave::~CheckpointSave() {
  if (thread_.joinable()) thread_.join();
}

void CheckpointSave::write() {
  try {
    Manifest manifest;
    for (const WrittenFile& file : write_copy(partial_path_, experiment_, model_, std::move(copy_),
                                              base_ ? std::optional(base_->table_updates) : std::nullopt))
      *manifest.add_file() = checkpoint::described(file);
    rank_manifest_ = manifest.SerializeAsString();
  } catch (...) {
    failure_ = std::current_exception();
  }
  written_ = true;
}

void CheckpointSave::finish() {
  dist::Communicator& communicator = model_.communicator;
  if (thread_.joinable()) thread_.join();
  together(communicator, [&] {
    if (failure_) std::rethrow_exception(failure_);
  });
  // Concatenated serialised messages parse as one merged message.
  const std::vector<char> all =
      communicator.all_gather_v<char>(std::span<const char>(common_manifest_ + rank_manifest_));
  together(communicator, [&] {
    if (communicator.rank() != 0) return;
    Manifest manifest;
    require<DataError>(manifest.ParseFromArray(all.data(), static_cast<int>(all.size())),
                       "[checkpoint] cannot parse the joined lists of files of all ranks");
    write_manifest(partial_path_, manifest);
    const std::string folder = run_.checkpoints() + "/" + name_of(position_.step);
    replace_folder(folder, partial_path_);  // one may exist, from before a resume from an earlier checkpoint
    partial_.release();
    sync_folder(run_.checkpoints(), false);
    remove_others(run_.checkpoints(), experiment_.train().checkpoint(), position_.step);
  });
}

namespace {

// Names the model of a run without checkpoints, because some commands take a model too.
std::string model_of(const std::string& run) {
  const std::string model = RunFolder(run).model();
  return is_model(model) ? ", only a model, " + model + ", which checkpoint inspect, verify and diff accept" : "";
}

}  // namespace

std::string find_checkpoint(const std::string& path) {
  if (fs::exists(checkpoint::manifest_path(path))) return RunFolder(path).path();
  const std::string folder = RunFolder(path).checkpoints();
  const std::vector<int64_t> steps = steps_in(folder);
  const std::string none = config_text::why_no_folder(path);
  require(none.empty(), "[checkpoint] wanted a checkpoint or a run with checkpoints, ", none);
  require(!is_model(path), "[checkpoint] wanted a checkpoint or a run with checkpoints, ", path,
          " is a model, which has no optimiser state to resume from; pass its run, or start another "
          "run with train.warm_start { from: \"",
          path, "\" }");
  require(!steps.empty(), "[checkpoint] wanted a checkpoint or a run with checkpoints, ", path,
          " holds no manifest.pbtxt and no checkpoints/step-...", model_of(path),
          "; train with train.checkpoint.every_steps set");
  return folder + "/" + name_of(steps.back());
}

std::vector<std::string> remove_all_but_newest(const RunFolder& run, config::Checkpoint keep) {
  const std::vector<int64_t> steps = steps_in(run.checkpoints());
  if (steps.empty()) return {};
  keep.set_keep_last(1);
  return remove_others(run.checkpoints(), keep, steps.back());
}

std::string run_of_checkpoint(const std::string& checkpoint) {
  return fs::absolute(checkpoint).parent_path().parent_path().string();
}

config::Experiment load_resume_config(const std::string& checkpoint, const std::vector<std::string>& overrides) {
  return load_config(checkpoint, overrides, clear_what_resume_may_change,
                     "wanted the settings that the run was trained with", "leave it as it was, or start another run");
}

config::Experiment load_convert_config(const std::string& checkpoint, const std::vector<std::string>& overrides) {
  return load_config(checkpoint, overrides, clear_what_may_be_converted,
                     "wanted --set to change only model, embedding and train.optimizer",
                     "leave it as it was, or start another run with train.warm_start");
}

std::vector<std::string> chain_of(const std::string& checkpoint) {
  std::vector<std::string> chain = {checkpoint};
  Manifest manifest = read_manifest(checkpoint);
  for (int64_t before = manifest.step(); manifest.has_base(); manifest = read_manifest(chain.back())) {
    const std::string base = fs::path(chain.back()).parent_path().string() + "/" + manifest.base();
    // Steps must decrease: otherwise a damaged manifest could make the chain a cycle.
    const int64_t step = *checkpoint::step_of(base);
    require<DataError>(fs::exists(checkpoint::manifest_path(base)) && step < before, "[checkpoint] ", chain.back(),
                       " is incremental, but its base checkpoint ", manifest.base(),
                       " is not beside it; restore it, or use a full checkpoint");
    before = step;
    chain.push_back(base);
  }
  return chain;
}

void require_full_checkpoint(const std::string& folder) {
  if (!fs::exists(checkpoint::manifest_path(folder))) return;
  const size_t links = chain_of(folder).size();
  require(links == 1, "[checkpoint] ", folder,
          " is incremental and holds only part of the rows; polyscene checkpoint compact ", folder,
          " makes it a full one");
}

TrainPosition position_of_checkpoint(const std::string& checkpoint) { return position_of(read_manifest(checkpoint)); }

namespace {

// Reads the manifest on all ranks. When it is damaged, the error names another checkpoint to resume from.
Manifest manifest_for_all(const std::string& checkpoint, dist::Communicator& communicator) {
  Manifest manifest;
  std::string damage;
  try {
    manifest = read_manifest(checkpoint);
  } catch (const DataError& error) {
    damage = error.what();
  }
  int64_t damaged = damage.empty() ? 0 : 1;
  communicator.all_reduce<int64_t>({&damaged, 1});
  const std::string beside = damaged > 0 ? "; " + newest_undamaged(checkpoint, communicator) : "";
  together(communicator, [&] { require<DataError>(damage.empty(), damage, beside); });
  return manifest;
}

}  // namespace

TrainPosition load_checkpoint(const std::string& checkpoint, const std::string& data, const ModelState& model) {
  dist::Communicator& communicator = model.communicator;
  const Manifest manifest = manifest_for_all(checkpoint, communicator);
  require(manifest.data() == data, "[checkpoint] wanted the training files that ", checkpoint, " was trained on (",
          manifest.data(), "), found others (", data, "); restore them, or start another run");
  // Logs are restored only after all files were checked: damage leaves them unchanged.
  const std::vector<std::string> chain = chain_of(checkpoint);
  std::vector<int64_t> dropped;
  read_checked(checkpoint, communicator, "resume from another",
               [&] { dropped = read_parts(chain, model, {.state = true}); });
  warn_of_dropped(std::move(dropped), checkpoint, model);
  together(communicator, [&] {
    model.tables.set_update_steps(manifest.table_updates());
    if (communicator.rank() != 0) return;
    const RunFolder run(run_of_checkpoint(checkpoint));
    restore_logs(manifest, run);
    // Removes what a killed job had no time to remove.
    const std::vector<int64_t> steps = steps_in(run.checkpoints());
    if (!steps.empty() && steps.back() == manifest.step())
      remove_others(run.checkpoints(), model.experiment.train().checkpoint(), manifest.step());
  });
  return position_of(manifest);
}

}  // namespace polyscene::core
