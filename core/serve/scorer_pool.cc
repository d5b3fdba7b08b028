#include "core/serve/scorer_pool.h"

#include <algorithm>

namespace polyscene::core {

std::unique_ptr<Scorer> ScorerPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Scorer> scorer = std::move(idle_.back());
      idle_.pop_back();
      return scorer;
    }
  }
  return std::make_unique<Scorer>(model_);
}

void ScorerPool::score(const Batch& batch, std::span<float> logits) {
  // A scorer that throws is not returned to the pool, because its state is unknown.
  std::unique_ptr<Scorer> scorer = take();
  std::ranges::copy(scorer->score(batch), logits.begin());
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(scorer));
}

}  // namespace polyscene::core
