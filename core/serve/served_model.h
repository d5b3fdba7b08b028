// An exported model, scored on the host: its graph, its dense parameters and its embedding stores. A batch gets the
// same scores as in the trainer. Needs no communicator, no device and no Arrow.
//
// `polyscene export` publishes into a folder that has one folder per version, 1, 2, ..., each with
//   export.json         its description, with the size and XXH3 64 of every other file (core/serve/export_json.h)
//   config.pbtxt        the resolved configuration
//   dense.safetensors   every dense parameter by name
//   tables/NAME.rows    one embedding store per table
//   scenarios.json      names of scenarios by their keys, if they are strings
// A version may be a delta: it holds only the rows that differ from its base, an earlier version in the same folder
// that export.json names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/features/batch.h"
#include "core/features/feature_schema.h"
#include "core/models/step_inputs.h"
#include "core/serve/embedding_store.h"
#include "core/serve/store_lookup.h"

namespace polyscene::core {

// File of a table, relative to the folder of a version.
[[nodiscard]] std::string store_file(const std::string& table);

// The folder of a version: `folder` itself if it is one, otherwise its newest complete version, which has every file
// that its export.json lists. Versions that are still being copied are skipped. Throws DataError when there is none.
[[nodiscard]] std::string find_version(const std::string& folder);
// The highest version number in a folder, complete or not; 0 if there is none.
[[nodiscard]] int64_t latest_version(const std::string& folder);
// The highest complete version that is not a delta; 0 if there is none.
[[nodiscard]] int64_t latest_whole_version(const std::string& folder);

class ServedModel {
 public:
  // Opens find_version(folder). Checks export.json, the sizes of all files, the hashes of the configuration, of dense
  // parameters and of the indexes of tables, and that dense parameters are finite; verify() also checks the rows. A
  // delta reads the other rows from its base, beside it. Throws DataError naming the file, and InvalidArgument on a
  // configuration that this version cannot read.
  explicit ServedModel(const std::string& folder);
  ServedModel(const ServedModel&) = delete;
  ServedModel& operator=(const ServedModel&) = delete;

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] const config::Experiment& experiment() const { return experiment_; }
  [[nodiscard]] const FeatureSchema& schema() const { return schema_; }
  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] const embedding::TableLayout& layout() const { return layout_; }
  // The store of each table of the model, and the values of a parameter of its graph.
  [[nodiscard]] const std::vector<std::unique_ptr<EmbeddingStore>>& stores() const { return stores_; }
  [[nodiscard]] TensorView parameter(size_t index) const { return parameters_[index].view(); }

  // Folder of the base of a delta; empty for a whole version.
  [[nodiscard]] const std::string& base() const { return base_; }

  // Compares every file with its hash, those of the base too. Throws DataError naming the damaged file.
  void verify() const;
  // A sentence that says what opening could not check, because an earlier version exported the model; empty when it
  // checked everything.
  [[nodiscard]] std::string without_hash() const;

 private:
  [[nodiscard]] std::vector<std::string> folders() const;
  void check_files() const;
  void open_base();

  std::string folder_, base_;
  config::Experiment experiment_;
  FeatureSchema schema_;
  Model model_;
  std::vector<std::unique_ptr<EmbeddingStore>> stores_;  // one for each table of the model
  std::vector<Tensor> parameters_;                       // one for each parameter of the graph
  embedding::TableLayout layout_;
};

// Scores batches with a model, which must outlive the scorer. For one thread at a time: each thread needs its own
// scorer.
class Scorer {
 public:
  explicit Scorer(const ServedModel& model);

  // Logits [batch.rows], valid until the next call. The batch needs no labels, groups or row keys.
  [[nodiscard]] std::span<const float> score(const Batch& batch);
  // The distinct keys of the last batch, and the graph's inputs made from it.
  [[nodiscard]] const embedding::UniqueKeys& keys() const { return inputs_.keys(); }
  [[nodiscard]] TensorView input(Value v) const { return executor_.bound(v); }

 private:
  const ServedModel& model_;
  StepInputs inputs_;
  StoreLookup lookup_;
  Executor executor_;
};

}  // namespace polyscene::core
