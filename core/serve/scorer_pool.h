// Scorers of one model for any number of threads: as many are made as are ever used at the same time.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "core/serve/served_model.h"

namespace polyscene {

class ScorerPool {
 public:
  // The model must outlive it.
  explicit ScorerPool(const ServedModel& model) : model_(model) {}

  // logits [batch.rows]. Several threads may call it at the same time.
  void score(const Batch& batch, std::span<float> logits);

 private:
  [[nodiscard]] std::unique_ptr<Scorer> take();

  const ServedModel& model_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scorer>> idle_;
};

}  // namespace polyscene
