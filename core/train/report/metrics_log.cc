#include "core/train/report/metrics_log.h"

#include "core/train/report/output.h"
#include "ops/base/error.h"

namespace polyscene {

MetricsLog::MetricsLog(std::string path, bool append) : path_(std::move(path)), out_(create_output(path_, append)) {}

void MetricsLog::write(const std::string& json) {
  require(json.find('\n') == std::string::npos, "[report] wanted one JSON object on one line for ", path_,
          ", got a line break");
  out_ << json << '\n';
  flush_output(out_, path_);
}

}  // namespace polyscene
