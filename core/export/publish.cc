#include "core/export/publish.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "core/checkpoint/folders.h"
#include "core/checkpoint/hash_check.h"
#include "core/checkpoint/held_model.h"
#include "core/checkpoint/model_files.h"
#include "core/checkpoint/model_parts.h"
#include "core/config/load.h"
#include "core/data/file_list.h"
#include "core/export/export_aside.h"
#include "core/export/onnx/model.h"
#include "core/export/run_command.h"
#include "core/export/stores.h"
#include "core/export/triton.h"
#include "core/files/atomic_file.h"
#include "core/files/copy_file.h"
#include "core/files/sealed_text.h"
#include "core/files/text_file.h"
#include "core/metrics/evaluation.h"
#include "core/run/output_rule.h"
#include "core/run/run_folder.h"
#include "core/serve/export_json.h"
#include "core/serve/served_model.h"
#include "core/session/session.h"
#include "dist/world.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kNothingPublished = "nothing was published; export another model, or restore it from a copy";

// Rows of a split with the trainer's logits.
struct ScoredSample {
  std::vector<Batch> batches;
  std::vector<float> logits, labels;
};

std::vector<Batch> first_batches(const ExportJob& job, const config::Experiment& experiment) {
  const auto source = make_parquet_source(
      experiment.data(), {.split = job.split,
                          .batch_size = std::min<int64_t>(experiment.train().eval_batch_size(), job.sample_rows),
                          .shuffle = false,
                          .min_tail_share = 0});
  source->start_epoch(0);
  std::vector<Batch> batches;
  for (int64_t rows = 0; rows < job.sample_rows;) {
    std::optional<Batch> batch = source->next();
    if (!batch) break;
    rows += batch->rows;
    batches.push_back(std::move(*batch));
  }
  return batches;
}

// The keys of the batches for each table, ascending, so that only their rows of large tables are loaded.
std::vector<std::vector<int64_t>> keys_of(const std::vector<Batch>& batches, Session& session) {
  const embedding::TableLayout& layout = session.tables().layout();
  std::vector<std::vector<int64_t>> keys(layout.tables());
  StepInputs inputs = session.make_inputs();
  for (const Batch& batch : batches) {
    inputs.prepare(batch);
    const int64_t* next = inputs.keys().keys().data();
    for (int wire = 0; wire < layout.tables(); ++wire) {
      auto& of_table = keys[layout.wire_order()[wire]];
      const int64_t count = inputs.keys().count(0, wire);
      of_table.insert(of_table.end(), next, next + count);
      next += count;
    }
  }
  for (auto& of_table : keys) {
    std::ranges::sort(of_table);
    const auto repeated = std::ranges::unique(of_table);
    of_table.erase(repeated.begin(), repeated.end());
  }
  return keys;
}

ScoredSample trainers_scores(const ExportJob& job, const config::Experiment& experiment, const std::string& model) {
  ScoredSample sample{.batches = first_batches(job, experiment), .logits = {}, .labels = {}};
  const FeatureSchema schema = FeatureSchema::from(experiment.data());
  const auto one = dist::make_single_world();
  Session session(experiment, schema, dist::Rank{.communicator = *one}, {.training = false});
  const auto wanted = keys_of(sample.batches, session);
  load_model(model, session.state(), &wanted);
  for (const Batch& batch : sample.batches) {
    const std::span<const float> logits = session.predict(batch);
    sample.logits.insert(sample.logits.end(), logits.begin(), logits.end());
    const auto& labels = batch.labels[session.model().label];
    sample.labels.insert(sample.labels.end(), labels.begin(), labels.end());
  }
  return sample;
}

std::optional<double> auc_of_sample(const ScoredSample& sample, const std::vector<float>& logits) {
  const auto one = dist::make_single_world();
  return evaluate({.logits = logits, .labels = sample.labels, .scenario = {}, .row_keys = {}, .groups = {}}, {}, *one)
      .overall.auc;
}

// Scores the sample with the exported model; returns the entry "checked" of export.json. Throws when it differs too
// much from the trainer.
Json compare(const ExportJob& job, const ScoredSample& sample, const std::string& folder) {
  const ServedModel model(folder);
  Scorer scorer(model);
  std::vector<float> logits;
  for (const Batch& batch : sample.batches) {
    const std::span<const float> scored = scorer.score(batch);
    logits.insert(logits.end(), scored.begin(), scored.end());
  }
  double largest = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double difference = std::abs(double{logits[i]} - double{sample.logits[i]});
    const double relative = difference / std::max(1.0, std::abs(double{sample.logits[i]}));
    largest = std::isfinite(relative) ? std::max(largest, relative) : relative;
  }
  const std::optional<double> trained = auc_of_sample(sample, sample.logits), exported = auc_of_sample(sample, logits);
  const char* const say = "; nothing was published, please report it with the run's config.pbtxt";
  if (job.rows == RowFormat::kFloat32)
    require<DataError>(largest <= kMostLogitDifference, "[export] wanted the exported model to score ", logits.size(),
                       " rows as the trainer does, to ", kMostLogitDifference, ", got ", largest, say);
  if (trained)
    require<DataError>(*trained - *exported <= kMostAucLoss, "[export] wanted an AUC at most ", kMostAucLoss,
                       " below the trainer's ", *trained, " with ", row_format_name(job.rows), " rows, got ", *exported,
                       "; nothing was published, try --rows fp32");
  Json json = {{"rows", logits.size()}, {"largest_difference", largest}};
  if (trained) {
    json["auc_trainer"] = *trained;
    json["auc_exported"] = *exported;
  }
  return json;
}

// Writes the stores of a delta; returns the entry "base" of export.json.
Json write_delta(const ExportJob& job, const Model& model, const std::string& trained, const std::string& to,
                 std::ostream& out) {
  require(!job.onnx, "[export] --delta cannot be written as ONNX, which holds full tables; leave out --format");
  const int64_t version = latest_whole_version(job.output);
  require(version > 0, "[export] wanted a version in ", job.output,
          " as the base of --delta, there is none; export without --delta first");
  const ServedModel base(job.output + "/" + std::to_string(version));
  for (const auto& store : base.stores())
    require(store->format() == job.rows, "[export] --delta wanted rows as ", row_format_name(job.rows), ", ",
            base.folder(), " has ", row_format_name(store->format()), "; pass --rows ",
            row_format_name(store->format()), ", or export without --delta");
  const ChangedRows rows = write_changed_stores(model, trained, to, base);
  out << "rows that changed since version " << version << ": " << rows.changed << " of " << rows.all << ", and "
      << rows.gone << " removed\n";
  return {{"version", version}, {"xxh3", file_hash(export_json(base.folder()))}};
}

Json describe_files_of(const std::string& folder) {
  Json files = Json::object();
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) names.push_back(entry.path().lexically_relative(folder).string());
  std::ranges::sort(names);
  for (const std::string& name : names) {
    const FileHash hash = hash_file(folder + "/" + name);
    files[name] = {{"bytes", hash.bytes}, {"xxh3", hash_digits(hash.xxh3)}};
  }
  return files;
}

void run_check(const std::string& command, const std::string& folder) {
  const std::string ended = run_command(command, folder);
  require<DataError>(ended.empty(), "[export] wanted \"", command,
                     "\" to agree with the exported model, it ended with ", ended, "; nothing was published");
}

}  // namespace

std::string export_model(const ExportJob& job, std::ostream& out) {
  const HeldModel held = HeldModel::of_run(job.run, job.best);
  const std::string& model = held.path();
  const config::Experiment experiment = load_whole_experiment(model, kNothingPublished, job.overrides);
  require_no_run("--output", job.output);
  require_output_folder("--output", job.output,
                        {.files = files_of_all_splits(experiment.data()), .folders = {job.run}});
  const FeatureSchema schema = FeatureSchema::from(experiment.data());
  ExportAside aside(job.output);
  write_text_file(aside.path() + "/config.pbtxt", to_text(experiment));
  Json json = {{"format", 1}, {"model", experiment.name()}, {"run", job.run}, {"rows", row_format_name(job.rows)}};
  read_checked(model, *dist::make_single_world(), kNothingPublished, [&] {
    if (const ScenarioNames names = read_scenario_names(model); !names.empty())
      write_text_file(aside.path() + "/scenarios.json", names.to_json());
    copy_file(model + "/dense.safetensors", aside.path() + "/dense.safetensors");
    if (job.delta)
      json["base"] = write_delta(job, build_model(experiment, schema), model, aside.path(), out);
    else
      write_stores(build_model(experiment, schema), model, aside.path(), job.rows);
  });

  const auto describe = [&] {
    std::error_code none;
    fs::remove(export_json(aside.path()), none);
    json["files"] = describe_files_of(aside.path());
    write_text_file(export_json(aside.path()), sealed(kJsonSeal, json.dump(2).substr(2) + "\n"));
  };
  describe();
  std::optional<ScoredSample> sample;
  if (job.sample_rows > 0) {
    sample = trainers_scores(job, experiment, model);
    require<DataError>(!sample->logits.empty(), "[export] the split ", split_name(job.split),
                       " has no row to check the exported model with; choose another --split, or --sample 0");
    json["checked"] = compare(job, *sample, aside.path());
  }
  if (job.onnx) {
    const ServedModel served(aside.path());
    const OnnxOptions options{.most_inside_bytes = job.onnx_inside_bytes};
    write_onnx(served, options);
    if (sample) write_onnx_sample(aside.path() + "/onnx/sample.safetensors", served, sample->batches[0], options);
    if (job.triton) write_triton(served);
    if (!job.onnx_check.empty()) run_check(job.onnx_check, aside.path());
  }
  describe();
  sync_folder(aside.path() + "/tables", true);
  sync_folder(aside.path(), true);
  const std::string folder = aside.publish();
  sync_folder(job.output, false);

  if (sample) {
    out << "scored " << sample->logits.size() << " rows of " << split_name(job.split)
        << " with trainer and exported model: logits differ by at most " << std::scientific << std::setprecision(1)
        << json["checked"]["largest_difference"].get<double>() << std::defaultfloat;
    if (json["checked"].contains("auc_trainer"))
      out << std::fixed << std::setprecision(5) << ", AUC " << json["checked"]["auc_trainer"].get<double>() << " and "
          << json["checked"]["auc_exported"].get<double>() << std::defaultfloat;
    out << '\n';
  } else {
    out << "not checked: whether the exported model scores as the trainer does; --sample 4096 checks it\n";
  }
  if (job.onnx && job.onnx_check.empty())
    out << "not checked: whether ONNX Runtime scores the same; --onnx-check \"python3 tools/onnx/score.py --check\" "
           "checks it\n";
  out << "exported " << folder << "\nnext:    polyscene score --model " << job.output << " --input FILE.parquet"
      << std::endl;
  return folder;
}

}  // namespace polyscene::core
