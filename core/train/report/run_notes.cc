#include "core/train/report/run_notes.h"

#include "ops/base/error.h"

namespace polyscene::core {

std::string describe_undefined(int64_t step, const std::string& metric, const Metrics& overall, bool early_stop) {
  return str("step ", step, "  the validation split has no ", metric, " (", overall.rows, " rows, ", overall.positives,
             " of them positive): this evaluation is not the best one",
             early_stop ? ", and train.early_stop does not count it" : "");
}

std::string describe_unsaved_model(int64_t step, const std::string& why) {
  return str("model of step ", step, " not saved, training continues: ", why);
}

std::string describe_failed_checkpoint(const std::string& why) {
  return "checkpoint failed, training continues: " + why;
}

}  // namespace polyscene::core
