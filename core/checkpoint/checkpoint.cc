#include "core/checkpoint/checkpoint.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <sys/resource.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "core/checkpoint/folders.h"
#include "core/checkpoint/manifest.pb.h"
#include "core/checkpoint/model_parts.h"
#include "core/config/load.h"
#include "core/train/text_file.h"
#include "dist/world.h"

namespace polyscene {
namespace fs = std::filesystem;
namespace {

using checkpoint::Manifest;
constexpr int kWhole = 1, kAdding = 2;  // schemas
constexpr const char* kManifest = "/manifest.pbtxt";

std::string name_of(int64_t step) {
  char text[32];
  std::snprintf(text, sizeof(text), "step-%010lld", static_cast<long long>(step));
  return text;
}

// The step of a folder's name, or nothing where it is not a checkpoint's.
std::optional<int64_t> step_of(const fs::path& folder) {
  long long step = 0;
  const std::string name = folder.filename().string();
  if (std::sscanf(name.c_str(), "step-%lld", &step) != 1 || name != name_of(step)) return {};
  return step;
}

// Whole ones, ascending.
std::vector<int64_t> steps_in(const std::string& folder) {
  std::vector<int64_t> steps;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error))
    if (const auto step = step_of(entry->path()); step && fs::exists(entry->path().string() + kManifest))
      steps.push_back(*step);
  std::ranges::sort(steps);
  return steps;
}

void add_file(Manifest& manifest, const WrittenFile& file) {
  checkpoint::File& entry = *manifest.add_file();
  entry.set_name(file.name);
  entry.set_bytes(file.hash.bytes);
  entry.set_xxh3(file.hash.xxh3);
}

// The logs of a run as they are, to be cut back to.
void add_logs(Manifest& manifest, const RunFolder& run) {
  const auto add = [&](const fs::path& path) {
    checkpoint::File& entry = *manifest.add_log();
    entry.set_name(path.lexically_relative(run.path()).string());
    std::error_code error;
    entry.set_bytes(static_cast<int64_t>(fs::file_size(path, error)));
    require<DataError>(!error, "[checkpoint] cannot see how long ", path.string(), " is: ", error.message());
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

// Only files below the folder: a manifest comes from elsewhere.
bool stays_inside(const std::string& name) {
  const fs::path path(name);
  return !name.empty() && path.is_relative() && std::ranges::find(path, fs::path("..")) == path.end();
}

Manifest read_manifest(const std::string& folder) {
  const std::string path = folder + kManifest;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  Manifest manifest;
  google::protobuf::TextFormat::Parser parser;
  parser.AllowUnknownField(true);
  struct Silent : public google::protobuf::io::ErrorCollector {
    void AddError(int, int, const std::string&) override {}
    void AddWarning(int, int, const std::string&) override {}
  } silent;
  parser.RecordErrorsTo(&silent);
  const bool parsed = file && parser.ParseFromString(text.str(), &manifest);
  require<DataError>(parsed, "[checkpoint] cannot read ", path,
                     "; the checkpoint is damaged, take another: --resume names it");
  require<DataError>(manifest.schema() == kWhole || manifest.schema() == kAdding, "[checkpoint] ", path,
                     " is of schema ", manifest.schema(), ", this program reads ", kWhole, " and ", kAdding,
                     "; resume with the program that wrote it, or a newer one");
  const std::optional<int64_t> base = step_of(manifest.base());
  const bool earlier = base && *base < manifest.step() && manifest.base() == name_of(*base);
  require<DataError>(manifest.schema() == kAdding ? earlier : !manifest.has_base(), "[checkpoint] ", path,
                     " names the base \"", manifest.base(), "\", which is no earlier checkpoint; do not use it");
  for (const auto* files : {&manifest.file(), &manifest.log()})
    for (const checkpoint::File& entry : *files)
      require<DataError>(stays_inside(entry.name()), "[checkpoint] ", path, " names the file \"", entry.name(),
                         "\", which does not lie below its folder; do not use it");
  return manifest;
}

// What is not kept once the checkpoint of `step` is there: older ones, what a job left that was ended while it saved,
// and later ones, of the run before it went back to an earlier checkpoint.
void remove_others(const std::string& folder, const config::Checkpoint& keep, int64_t step) {
  std::vector<int64_t> steps = steps_in(folder);
  for (; steps.back() > step; steps.pop_back()) remove_folder(folder + "/" + name_of(steps.back()));
  std::optional<int64_t> best;
  if (keep.keep_best())
    for (const int64_t s : steps)
      if (read_manifest(folder + "/" + name_of(s)).best_step() == s) best = s;
  const auto last = static_cast<size_t>(keep.keep_last());
  std::set<std::string> kept;
  for (size_t i = 0; i < steps.size(); ++i)
    if (i + last >= steps.size() || (keep.keep_every() > 0 && steps[i] % keep.keep_every() == 0) || steps[i] == best) {
      const std::string path = folder + "/" + name_of(steps[i]);
      kept.insert(path);
      try {
        for (const std::string& link : chain_of(path)) kept.insert(link);
      } catch (const DataError&) {
        // Somebody took away what it adds to: who resumes from it is told.
      }
    }
  for (const int64_t s : steps)
    if (const std::string path = folder + "/" + name_of(s); !kept.contains(path)) remove_folder(path);
  std::vector<std::string> unfinished;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error))
    if (entry->path().extension() == ".partial") unfinished.push_back(entry->path().string());
  for (const std::string& path : unfinished) remove_folder(path);
}

void fill(Manifest& manifest, const TrainPosition& p) {
  manifest.set_step(p.step);
  manifest.set_trained_steps(p.trained_steps);
  manifest.set_epoch(p.epoch);
  manifest.set_batches(p.batches);
  manifest.set_rows_trained(p.rows_trained);
  manifest.set_misses(p.misses);
  if (p.best) manifest.set_best(*p.best);
  if (p.best_step) manifest.set_best_step(*p.best_step);
}

TrainPosition position_of(const Manifest& m) {
  TrainPosition p{.step = m.step(),
                  .trained_steps = m.trained_steps(),
                  .epoch = m.epoch(),
                  .batches = m.batches(),
                  .rows_trained = m.rows_trained(),
                  .best = {},
                  .misses = m.misses(),
                  .best_step = {}};
  if (m.has_best()) p.best = m.best();
  if (m.has_best_step()) p.best_step = m.best_step();
  return p;
}

// Of what a run was trained with; the rest may change when it goes on.
void clear_what_may_change(config::Experiment& e) {
  e.clear_name();
  e.mutable_embedding()->clear_memory();
  config::Data& data = *e.mutable_data();
  data.clear_root();
  data.clear_valid_files();
  data.clear_test_files();
  data.clear_max_bad_share();
  data.clear_prefetch();
  data.clear_threads();
  config::Train& train = *e.mutable_train();
  train.clear_epochs();
  train.clear_max_steps();
  train.clear_eval_every();
  train.clear_early_stop();
  train.clear_log_every();
  train.clear_debug_finite();
  train.clear_eval_batch_size();
  train.clear_device_graphs();
  train.clear_checkpoint();
}

std::string sentences(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& one : all) text += "\n  " + one;
  return text;
}

}  // namespace

std::string describe_files(const std::vector<std::string>& files) {
  uint64_t hash = 0;
  uintmax_t bytes = 0;
  for (const std::string& path : files) {
    const uintmax_t size = fs::file_size(path);
    const std::string text = str(fs::path(path).filename().string(), '\n', size);
    hash = XXH3_64bits_withSeed(text.data(), text.size(), hash);
    bytes += size;
  }
  char hex[20];
  std::snprintf(hex, sizeof(hex), "%016llx", static_cast<unsigned long long>(hash));
  return str(files.size(), " files, ", bytes, " bytes, ", hex);
}

CheckpointSave::CheckpointSave(const RunFolder& run, const config::Experiment& experiment, const std::string& data,
                               const TrainPosition& position, Session& session, std::optional<CheckpointBase> base)
    : run_(run),
      experiment_(experiment),
      position_(position),
      session_(session),
      base_(base),
      updates_(session.tables().update_steps()),
      aside_(run.checkpoints() + "/" + name_of(position.step) + ".partial") {
  together(session.communicator(), [&] {
    if (session.communicator().rank() != 0) return;
    remove_folder(aside_);
    make_folder(aside_ + "/tables");
    Manifest manifest;
    manifest.set_schema(base ? kAdding : kWhole);
    if (base) manifest.set_base(name_of(base->step));
    fill(manifest, position);
    manifest.set_table_updates(updates_);
    manifest.set_ranks(session.communicator().size());
    manifest.set_data(data);
    add_logs(manifest, run);
    head_ = manifest.SerializeAsString();
  });
  copy_ = copy_model(session);
  thread_ = std::thread([this] { write(); });
}

CheckpointSave::~CheckpointSave() {
  if (thread_.joinable()) thread_.join();
}

// Beside threads that have all processors it takes about a tenth of one; when training waits for it, all of one.
void CheckpointSave::write() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
  try {
    Manifest manifest;
    for (const WrittenFile& file : write_copy(aside_, experiment_, session_, std::move(copy_),
                                              base_ ? std::optional(base_->table_updates) : std::nullopt))
      add_file(manifest, file);
    mine_ = manifest.SerializeAsString();
  } catch (...) {
    failure_ = std::current_exception();
  }
  written_ = true;
}

void CheckpointSave::finish() {
  Communicator& communicator = session_.communicator();
  thread_.join();
  together(communicator, [&] {
    if (failure_) std::rethrow_exception(failure_);
  });
  // Messages one after the other are one message.
  const std::vector<char> all = communicator.all_gather_v<char>(std::span<const char>(head_ + mine_));
  together(communicator, [&] {
    if (communicator.rank() != 0) return;
    Manifest manifest;
    require<DataError>(manifest.ParseFromArray(all.data(), static_cast<int>(all.size())),
                       "[checkpoint] the ranks' lists of files do not fit together");
    std::string text;
    google::protobuf::TextFormat::PrintToString(manifest, &text);
    write_text_file(aside_ + kManifest, text);
    sync_folder(aside_ + "/tables", false);
    sync_folder(aside_, true);
    const std::string folder = run_.checkpoints() + "/" + name_of(position_.step);
    remove_folder(folder);  // of the run before it went back to an earlier one
    move_folder(aside_, folder);
    sync_folder(run_.checkpoints(), false);
    remove_others(run_.checkpoints(), experiment_.train().checkpoint(), position_.step);
  });
}

std::string find_checkpoint(const std::string& path) {
  if (fs::exists(path + kManifest)) return RunFolder(path).path();
  const std::string folder = RunFolder(path).checkpoints();
  const std::vector<int64_t> steps = steps_in(folder);
  require(!steps.empty(), "[checkpoint] wanted a checkpoint or a run that has some, ", path,
          " holds no manifest.pbtxt and no checkpoints/step-...; train with train.checkpoint.every_steps set");
  return folder + "/" + name_of(steps.back());
}

std::string run_of_checkpoint(const std::string& checkpoint) {
  return fs::absolute(checkpoint).parent_path().parent_path().string();
}

config::Experiment load_resume_config(const std::string& checkpoint, const std::vector<std::string>& overrides) {
  const std::string path = checkpoint + "/config.pbtxt";
  config::Experiment before = load_experiment(path), now = load_experiment(path, overrides);
  const config::Experiment result = now;
  clear_what_may_change(before);
  clear_what_may_change(now);
  std::string differences;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&differences);
  const bool same = differencer.Compare(before, now);
  require(same, "[checkpoint] --resume goes on with what the run was trained with, but --set changes it: ",
          differences.substr(0, differences.find('\n')), "; leave it as it was, or start another run");
  return result;
}

std::vector<std::string> chain_of(const std::string& checkpoint) {
  std::vector<std::string> chain = {checkpoint};
  Manifest manifest = read_manifest(checkpoint);
  for (int64_t before = manifest.step(); manifest.has_base(); manifest = read_manifest(chain.back())) {
    const std::string base = fs::path(chain.back()).parent_path().string() + "/" + manifest.base();
    // A manifest may say anything: without this a chain could go round.
    const int64_t step = *step_of(base);
    require<DataError>(fs::exists(base + kManifest) && step < before, "[checkpoint] ", chain.back(), " adds to ",
                       manifest.base(), ", which is not beside it; restore it, or take a checkpoint that is whole");
    before = step;
    chain.push_back(base);
  }
  return chain;
}

void require_whole(const std::string& folder) {
  if (!fs::exists(folder + kManifest)) return;
  const size_t links = chain_of(folder).size();
  require(links == 1, "[checkpoint] ", folder, " adds to ", links - 1, links == 2 ? " other" : " others",
          ", and has not all rows; polyscene checkpoint compact ", folder, " makes it whole");
}

std::vector<std::string> damage_of(const std::string& checkpoint, int rank, int ranks) {
  std::vector<std::string> damage;
  for (const std::string& link : chain_of(checkpoint)) {
    const Manifest manifest = read_manifest(link);
    for (int i = rank; i < manifest.file_size(); i += ranks) {
      const checkpoint::File& wanted = manifest.file(i);
      const std::string path = link + "/" + wanted.name();
      std::error_code error;
      if (!fs::exists(path, error)) {
        damage.push_back(path + " is missing");
        continue;
      }
      const FileHash found = hash_file(path);
      if (found.bytes != wanted.bytes())
        damage.push_back(str(path, " has ", found.bytes, " bytes, was written with ", wanted.bytes()));
      else if (found.xxh3 != wanted.xxh3())
        damage.push_back(path + " does not have the hash that it was written with");
    }
  }
  return damage;
}

TrainPosition position_of_checkpoint(const std::string& checkpoint) { return position_of(read_manifest(checkpoint)); }

TrainPosition load_checkpoint(const std::string& checkpoint, const std::string& data, Session& session) {
  Communicator& communicator = session.communicator();
  const Manifest manifest = read_manifest(checkpoint);
  require(manifest.data() == data, "[checkpoint] wanted the training files that ", checkpoint, " was trained on (",
          manifest.data(), "), found others (", data, "); restore them, or start another run");
  together(communicator, [&] {
    const std::vector<std::string> damage = damage_of(checkpoint, communicator.rank(), communicator.size());
    require<DataError>(damage.empty(), "[checkpoint] ", checkpoint, " is damaged:", sentences(damage),
                       "\nresume from another with --resume ", run_of_checkpoint(checkpoint), "/checkpoints/step-...");
  });
  together(communicator, [&] {
    read_parts(chain_of(checkpoint), session, {.state = true});
    session.tables().set_update_steps(manifest.table_updates());
    if (communicator.rank() == 0) restore_logs(manifest, RunFolder(run_of_checkpoint(checkpoint)));
  });
  return position_of(manifest);
}

std::pair<std::string, size_t> compact_checkpoint(const std::string& path) {
  const std::string checkpoint = find_checkpoint(path), aside = checkpoint + ".partial";
  const std::shared_ptr<void> lock = RunFolder(run_of_checkpoint(checkpoint)).lock();
  const std::vector<std::string> chain = chain_of(checkpoint), damage = damage_of(checkpoint);
  require<DataError>(damage.empty(), "[checkpoint] ", checkpoint, " is damaged:", sentences(damage));
  if (chain.size() == 1) return {checkpoint, 1};
  const config::Experiment experiment = load_experiment(checkpoint + "/config.pbtxt");
  const FeatureSchema schema = FeatureSchema::from(experiment.data());
  const auto one = make_single_world();
  Session session(experiment, schema, *one);
  read_parts(chain, session, {.state = true});
  Manifest manifest = read_manifest(checkpoint);
  session.tables().set_update_steps(manifest.table_updates());
  manifest.set_schema(kWhole);
  manifest.clear_base();
  manifest.clear_file();
  manifest.set_ranks(1);
  remove_folder(aside);
  make_folder(aside + "/tables");
  for (const WrittenFile& file : write_copy(aside, experiment, session, copy_model(session), {}))
    add_file(manifest, file);
  std::string text;
  google::protobuf::TextFormat::PrintToString(manifest, &text);
  write_text_file(aside + kManifest, text);
  sync_folder(aside + "/tables", false);
  sync_folder(aside, true);
  replace_folder(checkpoint, aside);
  sync_folder(fs::path(checkpoint).parent_path().string(), false);
  return {checkpoint, chain.size()};
}

}  // namespace polyscene
