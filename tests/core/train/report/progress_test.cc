#include "core/train/report/progress.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

namespace polyscene::core {
namespace {

constexpr ProgressState kState = {
    .step = 120, .total_steps = 400, .epoch = 0.3, .samples_s = 25140, .loss = 0.59312, .eta_s = 11.6};

std::string eta_of(double seconds) {
  ProgressState state = kState;
  state.eta_s = seconds;
  const std::string line = progress_line(state, 0);
  return line.substr(line.find("ETA ") + 4);
}

std::string rate_of(double samples_s) {
  ProgressState state = kState;
  state.samples_s = samples_s;
  const std::string line = progress_line(state, 0);
  const size_t begin = line.find("0.30  ") + 6;
  return line.substr(begin, line.find(" samples") - begin);
}

TEST(ProgressLine, SaysItAll) {
  EXPECT_EQ(progress_line(kState, 0), "step 120/400  epoch 0.30  25.1k samples/s  loss 0.5931  ETA 0:12");
  ProgressState endless = kState;
  endless.total_steps = 0;
  EXPECT_EQ(progress_line(endless, 0), "step 120  epoch 0.30  25.1k samples/s  loss 0.5931  ETA 0:12");
}

TEST(ProgressLine, IsCutToTheWidth) {
  EXPECT_EQ(progress_line(kState, 12), "step 120/400");
  EXPECT_EQ(progress_line(kState, 1), "s");
  EXPECT_EQ(progress_line(kState, 1000), progress_line(kState, 0));
}

TEST(ProgressLine, Durations) {
  EXPECT_EQ(eta_of(0), "0:00");
  EXPECT_EQ(eta_of(59.6), "1:00");
  EXPECT_EQ(eta_of(3723), "1:02:03");
  EXPECT_EQ(eta_of(2 * 86400 + 3723), "2d 01:02:03");
  EXPECT_EQ(eta_of(-1), "-");
  EXPECT_EQ(eta_of(std::numeric_limits<double>::infinity()), "-");
  EXPECT_EQ(eta_of(std::numeric_limits<double>::quiet_NaN()), "-");
}

TEST(ProgressLine, Rates) {
  EXPECT_EQ(rate_of(0), "0");
  EXPECT_EQ(rate_of(999.4), "999");
  EXPECT_EQ(rate_of(999.6), "1.0k");
  EXPECT_EQ(rate_of(999'940), "999.9k");
  EXPECT_EQ(rate_of(1'234'567), "1.2M");
}

TEST(Progress, PlainLinesWithoutATerminal) {
  std::ostringstream out;
  Progress progress(out, 0);
  progress.update(kState);
  progress.note("evaluated");
  progress.update(kState);
  progress.finish();
  const std::string line = progress_line(kState, 0) + "\n";
  EXPECT_EQ(out.str(), line + "evaluated\n" + line);
}

TEST(Progress, UpdatesInPlaceOnATerminal) {
  std::ostringstream out;
  Progress progress(out, 13);
  progress.update(kState);
  ProgressState shorter;
  shorter.step = 7;
  progress.update(shorter);
  progress.note("evaluated");
  progress.update(kState);
  progress.finish();
  progress.finish();
  EXPECT_EQ(out.str(), "\rstep 120/400\rstep 7  epoc\nevaluated\n\rstep 120/400\n");
}

TEST(Progress, ALongerLineIsWiped) {
  std::ostringstream out;
  Progress progress(out, 200);
  ProgressState longer = kState;
  longer.samples_s = 100'000;
  progress.update(longer);
  progress.update(kState);
  EXPECT_EQ(out.str(), "\r" + progress_line(longer, 0) + "\r" + progress_line(kState, 0) + " ");
}

TEST(Progress, AVeryNarrowTerminal) {
  std::ostringstream out;
  Progress progress(out, 1);
  progress.update(kState);
  EXPECT_EQ(out.str(), "\rs");
}

}  // namespace
}  // namespace polyscene::core
