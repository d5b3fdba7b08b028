#include "core/train/report/run_summary.h"

#include <algorithm>
#include <iomanip>
#include <ostream>

#include "core/data/file_list.h"
#include "core/session/left_out.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

std::string describe_end(const RunEnding& end, bool nothing_left) {
  switch (end.ending) {
    case Ending::kSteps:
      if (!nothing_left) return str("done: ", end.step, " steps");
      return str("nothing left to do: all ", end.step, " steps are done, raise ",
                 end.by_max_steps ? "train.max_steps" : "train.epochs", " to continue");
    case Ending::kEarlyStop:
      if (!nothing_left) return str("stopped early at step ", end.step);
      return str("nothing left to do: train.early_stop ended the run at step ", end.step,
                 ", raise train.early_stop.patience or leave train.early_stop out to continue");
    case Ending::kSignal:
      break;
  }
  return str("stopped by a signal after step ", end.step, end.model_is_best ? "" : "; the model is saved");
}

void print_best(std::ostream& out, const RunSummary& s) {
  out << "best " << s.metric << " " << std::fixed << std::setprecision(5) << s.best->value << " at step "
      << s.best->step;
  if (s.best->step != s.ending.step)
    out << (s.experiment.train().has_early_stop()
                ? " (the model is that of this step)"
                : ", kept in " + s.folder.best_model() + " (evaluate and predict: --best)");
  out << '\n';
}

void print_device(std::ostream& out, const DeviceReport& device, int64_t replayed) {
  out << "device   " << device.name << ": peak " << device.peak << ", waited for " << device.waits
      << " times, held back " << device.holds << " times; steps queued as a recorded graph " << replayed << '\n';
}

}  // namespace

std::string describe(const RunEnding& end) {
  const bool nothing_left = end.step == end.resumed_step && end.ending != Ending::kSignal;
  const std::string text = str(describe_end(end, nothing_left), ", ", end.samples, " samples");
  if (nothing_left) return text;
  const auto samples = static_cast<double>(end.samples - end.resumed_samples);
  return str(text, std::fixed, std::setprecision(1), ", ", samples / std::max(end.seconds, 1e-9), " samples/s");
}

void print(std::ostream& out, const RunSummary& s) {
  const RunFolder& folder = s.folder;
  const std::string see_rejects = "see " + folder.rejects();
  out << describe(s.ending) << '\n';
  if (s.best) print_best(out, s);
  out << s.tables;
  if (!s.device.name.empty()) print_device(out, s.device, s.replayed);
  print_left_out(out, "first epoch", s.first_epoch, see_rejects);
  print_left_out(out, "validation", s.validation, see_rejects);
  out << s.saves << "metrics  " << folder.metrics() << "\nevents   " << folder.events() << " (tensorboard --logdir "
      << folder.path() << ")\nconfig   " << folder.config() << "\n"
      << "next:    polyscene evaluate --run " << folder.path() << " --split " << split_to_evaluate(s.experiment.data())
      << std::endl;
}

const char* split_to_evaluate(const config::Data& data) {
  for (const Split split : {Split::kTest, Split::kValid})
    if (has_files(data, split)) return split_name(split);
  return split_name(Split::kTrain);
}

}  // namespace polyscene::core
