#include "core/train/report/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>

#include "dist/world.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char text[64];
  std::snprintf(text, sizeof(text), pattern, values...);
  return text;
}

std::string rate(double samples_s) {
  if (!(samples_s < 999.5))
    return samples_s < 999'950 ? format("%.1fk", samples_s / 1e3) : format("%.1fM", samples_s / 1e6);
  return format("%.0f", samples_s);
}

// 0:12, 1:02:03, 2d 01:02:03.
std::string duration(double seconds) {
  if (!(seconds >= 0 && seconds < 1e9)) return "-";
  const int64_t s = std::llround(seconds), minutes = s / 60 % 60, hours = s / 3600 % 24, days = s / 86400;
  const auto part = [](int64_t x, const char* pattern) { return format(pattern, static_cast<int>(x)); };
  const std::string tail = part(s % 60, ":%02d");
  if (days > 0) return part(days, "%dd ") + part(hours, "%02d:") + part(minutes, "%02d") + tail;
  if (hours > 0) return part(hours, "%d:") + part(minutes, "%02d") + tail;
  return part(minutes, "%d") + tail;
}

}  // namespace

std::string progress_line(const ProgressState& state, int width) {
  std::string line = str("step ", state.step);
  if (state.total_steps > 0) line += str("/", state.total_steps);
  line += "  epoch " + format("%.2f", state.epoch) + "  " + rate(state.samples_s) + " samples/s  loss " +
          format("%.4f", state.loss) + "  ETA " + duration(state.eta_s);
  if (width > 0) line.resize(std::min<size_t>(line.size(), width));
  return line;
}

// The last column stays free: some terminals move on when it is written. Spaces wipe what a longer line left.
void Progress::update(const ProgressState& state) {
  if (width_ == 0) {
    out_ << progress_line(state, 0) << '\n' << std::flush;
    return;
  }
  const std::string line = progress_line(state, std::max(1, width_ - 1));
  const size_t left_over = live_columns_ - std::min(live_columns_, line.size());
  out_ << '\r' << line << std::string(left_over, ' ') << std::flush;
  live_columns_ = line.size();
}

void Progress::note(const std::string& line) {
  finish();
  out_ << line << '\n' << std::flush;
}

void Progress::finish() {
  if (live_columns_ > 0) out_ << '\n' << std::flush;
  live_columns_ = 0;
}

// Open MPI gives rank 0 a terminal of its own wherever its output goes, and a log of one line helps nobody.
int terminal_width() {
  if (dist::started_by_mpi() || !::isatty(STDOUT_FILENO)) return 0;
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace polyscene::core
