#include "core/train/report/metrics_log.h"

#include "ops/base/error.h"

namespace polyscene::core {

MetricsLog::MetricsLog(std::string path, bool append) : path_(std::move(path)), file_(path_, append) {}

void MetricsLog::write(const std::string& json) {
  require(json.find('\n') == std::string::npos, "[report] wanted one JSON object on one line for ", path_,
          ", got a line break");
  file_.add(json + "\n");
  file_.flush();
}

}  // namespace polyscene::core
