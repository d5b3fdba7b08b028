// The progress of a run: a line that updates in place on a terminal, plain lines elsewhere.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace polyscene::core {

struct ProgressState {
  int64_t step = 0, total_steps = 0;  // total_steps 0: not known
  double epoch = 0;                   // epochs done, e.g. 1.25
  double samples_s = 0, loss = 0;
  double eta_s = 0;
};

class Progress {
 public:
  // width: columns of the terminal, 0 when `out` is none (then every update is a line of its own). `out` is borrowed.
  Progress(std::ostream& out, int width) : out_(out), width_(width) {}
  void update(const ProgressState& state);
  // Any other message, on a line of its own: ends the live line first.
  void note(const std::string& line);
  // Ends the live line; nothing where there is none.
  void finish();

 private:
  std::ostream& out_;
  int width_;
  size_t live_columns_ = 0;  // of the line under the cursor
};

// "step 120/400  epoch 0.30  25.1k samples/s  loss 0.5931  ETA 0:12", cut to `width` where > 0.
[[nodiscard]] std::string progress_line(const ProgressState& state, int width);

// Columns of the terminal behind standard output, 0 when it is none, or that of a launcher of ranks.
[[nodiscard]] int terminal_width();

}  // namespace polyscene::core
