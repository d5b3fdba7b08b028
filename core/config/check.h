// Checks that the schema's types cannot express: values out of range, and settings that contradict each other.
#pragma once

#include "core/config/problems.h"

namespace polyscene::config {
class Data;
class Embedding;
class Experiment;
class Model;
class Train;
}  // namespace polyscene::config

namespace polyscene::core::config_text {

void check_data(const config::Data& data, Problems& problems);
// Parts of check_data(): names, kinds and settings of features, labels and groups; the settings of the reader.
void check_features(const config::Data& data, Problems& problems);
void check_reader(const config::Data& data, Problems& problems);
// `data` defines which tables there are.
void check_embedding(const config::Embedding& embedding, const config::Data& data, Problems& problems);
void check_model(const config::Model& model, const config::Data& data, Problems& problems);
void check_train(const config::Train& train, const config::Data& data, Problems& problems);

// All of the above, and checks that concern more than one block.
void check_all(const config::Experiment& experiment, Problems& problems);

}  // namespace polyscene::core::config_text
