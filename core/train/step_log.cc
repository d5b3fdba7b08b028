#include "core/train/step_log.h"

#include <algorithm>

namespace polyscene::core {

void StepLog::add(const ProgressState& state, double learning_rate, int64_t trained_steps) {
  lines_.push_back({state, learning_rate, trained_steps});
  write_due(trained_steps);
}

void StepLog::write_due(int64_t trained_steps) {
  while (!lines_.empty() && trained_steps - lines_.front().trained_steps >= session_.loss_lag())
    write_first(trained_steps);
}

void StepLog::write_all(int64_t trained_steps) {
  while (!lines_.empty()) write_first(trained_steps);
}

void StepLog::write_first(int64_t trained_steps) {
  Line& line = lines_.front();
  double loss = session_.take_losses(trained_steps - line.trained_steps);
  session_.communicator().all_reduce<double>({&loss, 1});
  line.state.loss = loss / static_cast<double>(std::max<int64_t>(line.trained_steps - written_steps_, 1));
  if (log_ != nullptr) log_->train(line.state, line.learning_rate);
  written_steps_ = line.trained_steps;
  lines_.pop_front();
}

}  // namespace polyscene::core
