// Runs of a model whose numbers are known beforehand: logistic regression that starts at 0, on rows that have an id of
// their own and a kind from which the click follows.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/files/safetensors.h"
#include "core/train/trainer.h"
#include "dist/world.h"
#include "tests/core/data/parquet_fixture.h"
#include "tests/support/memory_folder.h"
#include "tests/support/rank.h"

namespace polyscene::testing {

class SmallRunTest : public MemoryFolderTest {
 protected:
  static constexpr int64_t kRows = 40, kBatch = 8, kSteps = kRows / kBatch;  // of an epoch

  void SetUp() override {
    MemoryFolderTest::SetUp();
    write_rows("train.parquet", kRows, 1);
    config::Data& data = *experiment_.mutable_data();
    data.set_root(path(""));
    data.add_train_files("train.parquet");
    for (const char* name : {"item", "kind"}) {
      config::Feature& feature = *data.add_feature();
      feature.set_name(name);
      feature.mutable_categorical();
    }
    data.add_label()->set_name("click");
    data.set_lanes(2);
    config::Embedding& embedding = *experiment_.mutable_embedding();
    embedding.set_init_stddev(0);
    embedding.set_partitions(8);
    embedding.mutable_optimizer()->set_kind(config::SparseOptimizer::SGD);
    embedding.mutable_optimizer()->set_learning_rate(0.5);
    experiment_.mutable_model()->mutable_lr();
    config::Train& train = *experiment_.mutable_train();
    train.set_batch_size(kBatch);
    train.set_log_every(1);
    train.mutable_optimizer()->set_kind(config::DenseOptimizer::SGD);
    train.mutable_optimizer()->set_learning_rate(0.5);
  }
  // Rows with items 0, 1, ...; those of `clicked_kind`, 0 or 1, are clicked. Both kinds have half of the rows.
  void write_rows(const std::string& name, int64_t rows, int64_t clicked_kind) const {
    const auto numbers = [&](const auto& f) {
      return core::test::json_list(rows, [&](int64_t i) { return std::to_string(f(i)); });
    };
    core::test::write_parquet(path(name),
                              {{"item", "int64", numbers([](int64_t i) { return i; })},
                               {"kind", "int64", numbers([](int64_t i) { return i % 2; })},
                               {"click", "int64", numbers([&](int64_t i) { return i % 2 == clicked_kind ? 1 : 0; })}});
  }
  config::Train& train_config() { return *experiment_.mutable_train(); }
  [[nodiscard]] core::TrainJob job(const std::string& folder) const {
    return {.experiment = experiment_, .output = path(folder)};
  }

  // Trains on one rank; returns what it prints.
  std::string run(const core::TrainJob& job) {
    std::ostringstream out;
    train(job, on_host(*world_), out);
    return out.str();
  }
  // The numbers of a run's log lines of a kind: "train" or "evaluation".
  [[nodiscard]] std::vector<nlohmann::json> logged(const std::string& folder, const std::string& kind) const {
    std::vector<nlohmann::json> all;
    std::istringstream text(read(folder + "/metrics.jsonl"));
    for (std::string line; std::getline(text, line);)
      if (nlohmann::json json = nlohmann::json::parse(line); json["kind"] == kind) all.push_back(std::move(json));
    return all;
  }
  [[nodiscard]] std::vector<int64_t> logged_steps(const std::string& folder, const std::string& kind) const {
    std::vector<int64_t> steps;
    for (const nlohmann::json& line : logged(folder, kind)) steps.push_back(line["step"]);
    return steps;
  }
  // The items that a run's model of one rank has rows of: those that it was trained on.
  [[nodiscard]] std::set<int64_t> trained_items(const std::string& folder) const {
    const core::SafetensorsFile file(path(folder + "/model/tables/item-00000-of-00001.safetensors"));
    const auto keys = file.tensor("keys").elements<const int64_t>();
    return {keys.begin(), keys.end()};
  }

  config::Experiment experiment_;
  std::unique_ptr<dist::Communicator> world_ = dist::make_single_world();
};

}  // namespace polyscene::testing
