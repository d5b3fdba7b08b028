// Versions of a small model, as `polyscene export` lays them down, without a run to export.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "core/config/load.h"
#include "core/files/safetensors.h"
#include "core/serve/served_model.h"
#include "ops/base/philox.h"

namespace polyscene::testing {

inline constexpr int64_t kServedIds = 20;  // of every table have a row

// Every kind of feature.
inline constexpr const char* kServedConfig = R"(
  name: "served"
  data {
    root: "/" train_files: "none" valid_files: "none" test_files: "none"
    feature { name: "user" categorical { nullable: true } role: USER }
    feature { name: "item" categorical { min_id: 0 max_id: 99 } role: ITEM }
    feature { name: "scene" categorical {} role: SCENARIO }
    feature { name: "price" number { log: true nullable: true } role: ITEM }
    feature { name: "tags" bag { weight_column: "tag_weights" max_length: 4 } role: ITEM }
    feature { name: "history" sequence {
      side { column: "history_item" table: "item" target: "item" }
      side { column: "history_scene" table: "scene" target: "scene" }
      max_length: 8
    } }
    label { name: "click" }
    scenario_column: "scene"
  }
  embedding { dim: 8 }
  model { head: 16 head: 8 sfpnet { gate_hidden: 16 context_width: 8 } }
)";

// Random parameters and rows, large enough that scores differ.
inline void write_version(const std::string& folder, uint64_t seed) {
  namespace fs = std::filesystem;
  fs::create_directories(folder + "/tables");
  std::ofstream(folder + "/config.pbtxt") << kServedConfig;
  const config::Experiment experiment = core::load_experiment(folder + "/config.pbtxt");
  const core::Model model = build_model(experiment, core::FeatureSchema::from(experiment.data()));
  PhiloxStream random(seed);
  std::vector<Tensor> values;
  std::vector<core::NamedTensor> named;
  for (const Parameter& parameter : model.graph->parameters()) {
    Tensor& tensor = values.emplace_back(DType::kFloat32, parameter.value.shape().resolve({}));
    for (float& x : tensor.elements<float>()) x = 0.3f * static_cast<float>(random.next_normal());
    named.push_back({.name = parameter.name, .data = tensor.view()});
  }
  write_safetensors(folder + "/dense.safetensors", named);
  std::string files;
  for (const core::TableUse& table : model.tables) {
    core::EmbeddingStoreWriter writer(folder + "/" + core::store_file(table.name), kServedIds, table.dim,
                                      core::RowFormat::kFloat32);
    std::vector<float> row(static_cast<size_t>(table.dim));
    for (int64_t id = 0; id < kServedIds; ++id) {
      for (float& x : row) x = static_cast<float>(random.next_normal());
      writer.add({&id, 1}, row);
    }
    writer.finish();
  }
  std::ofstream(folder + "/export.json") << R"({"format": 1, "files": {}})";
}

}  // namespace polyscene::testing
