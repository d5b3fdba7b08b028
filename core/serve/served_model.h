// An exported model, scored on the host: its graph, its dense parameters and its embedding stores. What a batch scores
// here is what it scores in the trainer; needs no communicator, no device and no Arrow.
//
// The folder that `polyscene export` publishes has one folder per version, 1, 2, ..., each with
//   export.json         what it is, with the size and XXH3 64 of every other file (core/serve/export_json.h)
//   config.pbtxt        the resolved configuration
//   dense.safetensors   every dense parameter by name
//   tables/NAME.rows    one embedding store per table
//   scenarios.json      names of scenarios by their keys, where they are strings
// A version may hold only the rows that differ from an earlier one's beside it, which export.json names.
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

namespace polyscene {

// The file of a table, below the folder of a version.
[[nodiscard]] std::string store_file(const std::string& table);

// The folder of a version: `folder` itself where it is one, else its highest number that is there whole, with every
// file that its export.json lists; a copy that is under way is passed over. Throws DataError when there is none.
[[nodiscard]] std::string find_version(const std::string& folder);
// The highest number in a folder, whole or not; 0 for none.
[[nodiscard]] int64_t latest_version(const std::string& folder);
// Of those that are there whole and add to no other; 0 for none.
[[nodiscard]] int64_t latest_whole_version(const std::string& folder);

class ServedModel {
 public:
  // Checks export.json, the sizes of all files, the hashes of the configuration, of dense parameters and of the indexes
  // of tables, and that dense parameters are finite: rows are left to verify(). A version of changed rows takes the
  // others from the one it adds to, beside it. Throws DataError naming the file, InvalidArgument on a configuration
  // that this program does not know.
  explicit ServedModel(const std::string& folder);
  ServedModel(const ServedModel&) = delete;
  ServedModel& operator=(const ServedModel&) = delete;

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] const config::Experiment& experiment() const { return experiment_; }
  [[nodiscard]] const FeatureSchema& schema() const { return schema_; }
  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] const TableLayout& layout() const { return layout_; }
  // Per table of the model; values of a parameter of its graph.
  [[nodiscard]] const std::vector<std::unique_ptr<EmbeddingStore>>& stores() const { return stores_; }
  [[nodiscard]] TensorView parameter(size_t index) const { return parameters_[index].view(); }

  // The folder that this version adds to; empty where it is whole.
  [[nodiscard]] const std::string& base() const { return base_; }

  // Reads every file, its base's too. Throws DataError naming the one that is not what was exported.
  void verify() const;
  // What opening could not check, as a sentence, since an earlier program exported it; empty: nothing.
  [[nodiscard]] std::string without_hash() const;

 private:
  [[nodiscard]] std::vector<std::string> folders() const;
  void check_files() const;
  void open_base();

  std::string folder_, base_;
  config::Experiment experiment_;
  FeatureSchema schema_;
  Model model_;
  std::vector<std::unique_ptr<EmbeddingStore>> stores_;  // per table of the model
  std::vector<Tensor> parameters_;                       // per parameter of the graph
  TableLayout layout_;
};

// Scores batches of a model, which must outlive it; for one thread at a time, of which each has a scorer of its own.
class Scorer {
 public:
  explicit Scorer(const ServedModel& model);

  // Logits [batch.rows], valid until the next call. The batch needs no labels, groups or keys of rows.
  [[nodiscard]] std::span<const float> score(const Batch& batch);
  // What the last batch became: its distinct keys, and inputs of the graph.
  [[nodiscard]] const UniqueKeys& keys() const { return inputs_.keys(); }
  [[nodiscard]] TensorView input(Value v) const { return executor_.bound(v); }

 private:
  const ServedModel& model_;
  StepInputs inputs_;
  StoreLookup lookup_;
  Executor executor_;
};

}  // namespace polyscene
