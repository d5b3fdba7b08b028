#include "core/train/run_log.h"

#include <chrono>
#include <cstdio>

#include "core/text/percent.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

double wall_time_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string exact(double x) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.17g", x);
  return text;
}

std::string rounded(const std::optional<double>& x) {
  if (!x) return "-";
  char text[40];
  std::snprintf(text, sizeof(text), "%.5f", *x);
  return text;
}

}  // namespace

RunLog::RunLog(const RunFolder& folder, std::ostream& out, bool resumes)
    : metrics_(folder.metrics(), resumes), events_(folder.events(), wall_time_s()), progress_(out, terminal_width()) {}

void RunLog::train(const ProgressState& progress, double learning_rate) {
  progress_.update(progress);
  attempt([&] {
    metrics_.write(str("{\"kind\": \"train\", \"step\": ", progress.step, ", \"epoch\": ", exact(progress.epoch),
                       ", \"loss\": ", exact(progress.loss), ", \"learning_rate\": ", exact(learning_rate),
                       ", \"samples_per_s\": ", exact(progress.samples_s), "}"));
  });
  attempt([&] {
    events_.write(wall_time_s(), progress.step,
                  {{"train/loss", static_cast<float>(progress.loss)},
                   {"train/learning_rate", static_cast<float>(learning_rate)},
                   {"train/samples_per_s", static_cast<float>(progress.samples_s)}});
  });
}

void RunLog::evaluation(int64_t step, const std::string& split, const Evaluation& evaluation) {
  attempt([&] {
    metrics_.write(str("{\"kind\": \"evaluation\", \"split\": \"", split, "\", \"step\": ", step,
                       ", \"metrics\": ", evaluation.to_json(), "}"));
  });
  std::vector<std::pair<std::string, float>> scalars;
  const auto add = [&](const std::string& tag, const std::optional<double>& value) {
    if (value) scalars.emplace_back(split + "/" + tag, static_cast<float>(*value));
  };
  add("auc", evaluation.overall.auc);
  add("logloss", evaluation.overall.logloss);
  add("calibration", evaluation.overall.calibration);
  for (const GroupedAuc& g : evaluation.grouped) add(g.name, g.value);
  for (const ScenarioMetrics& s : evaluation.scenarios) {
    const std::string tag = "scenario_" + percent_encoded(s.text(), "/%");  // TensorBoard groups tags by slashes
    add(tag + "/auc", s.metrics.auc);
    add(tag + "/calibration", s.metrics.calibration);
  }
  attempt([&] {
    events_.write(wall_time_s(), step, scalars);
    events_.flush();
  });
  progress_.note(str("step ", step, "  ", split, " AUC ", rounded(evaluation.overall.auc), "  logloss ",
                     rounded(evaluation.overall.logloss), "  S-GAUC ",
                     evaluation.grouped.empty() ? "-" : rounded(evaluation.grouped[0].value)));
}

void RunLog::finish() {
  progress_.finish();
  flush();
  if (failed_ > 0)
    progress_.note(str("metrics.jsonl and events/ are incomplete: ", failed_, failed_ == 1 ? " write" : " writes",
                       " failed, the first with: ", first_failure_));
}

void RunLog::flush() {
  attempt([&] { events_.flush(); });
}

void RunLog::attempt(const std::function<void()>& write) {
  try {
    write();
  } catch (const DataError& error) {
    if (failed_++ > 0) return;
    first_failure_ = error.what();
    note("a log could not be written, training continues: " + first_failure_);
  }
}

void RunLog::note(const std::string& line) { progress_.note(line); }

}  // namespace polyscene::core
