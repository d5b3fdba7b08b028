// Pool of scorers of one model. It holds as many scorers as were ever used at the same time.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "core/serve/served_model.h"

namespace polyscene::core {

class ScorerPool {
 public:
  // The model must outlive the pool.
  explicit ScorerPool(const ServedModel& model) : model_(model) {}

  // Writes logits [batch.rows]. Several threads may call it at the same time.
  void score(const Batch& batch, std::span<float> logits);

 private:
  [[nodiscard]] std::unique_ptr<Scorer> take();

  const ServedModel& model_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scorer>> idle_;
};

}  // namespace polyscene::core
