// Log lines of training steps. A device tells losses some steps late, so a line is written that much later, at the same
// step on all ranks, and the host need not wait.
#pragma once

#include <cstdint>
#include <deque>

#include "core/session/session.h"
#include "core/train/run_log.h"

namespace polyscene::core {

class StepLog {
 public:
  // `log` of rank 0, nullptr on the others; both must outlive this. `trained_steps` were before.
  StepLog(Session& session, RunLog* log, int64_t trained_steps)
      : session_(session), log_(log), written_steps_(trained_steps) {}

  // A line about the steps since the last one, of which `trained_steps` in all had rows. Its loss is filled in when it
  // is written: now on the host. Collective, as below.
  void add(const ProgressState& state, double learning_rate, int64_t trained_steps);
  // Writes what can be written without waiting after so many steps.
  void write_due(int64_t trained_steps);
  // Writes all; waits for a device.
  void write_all(int64_t trained_steps);

 private:
  struct Line {
    ProgressState state;
    double learning_rate;
    int64_t trained_steps;
  };
  void write_first(int64_t trained_steps);

  Session& session_;
  RunLog* log_;
  std::deque<Line> lines_;
  int64_t written_steps_;  // trained ones, up to the last line written
};

}  // namespace polyscene::core
