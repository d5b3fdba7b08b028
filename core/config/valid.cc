#include "core/config/valid.h"

#include "core/config/check.h"
#include "core/config/experiment.pb.h"

namespace polyscene::core {

void require_valid_features(const config::Data& data) {
  config_text::Problems problems;
  config_text::check_features(data, problems);
  problems.throw_if_any();
}

void require_valid_reader(const config::Data& data) {
  config_text::Problems problems;
  config_text::check_reader(data, problems);
  problems.throw_if_any();
}

void require_valid_model(const config::Model& model, const config::Data& data) {
  config_text::Problems problems;
  config_text::check_model(model, data, problems);
  problems.throw_if_any();
}

}  // namespace polyscene::core
