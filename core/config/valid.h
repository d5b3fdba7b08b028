// The checks of load_experiment() for the code that relies on them, which also gets configurations that were built or
// changed in code. Each throws InvalidArgument with all problems; the messages name no place.
#pragma once

namespace polyscene::config {
class Data;
class Model;
}  // namespace polyscene::config

namespace polyscene::core {

// Names, kinds and settings of features, labels and groups.
void require_valid_features(const config::Data& data);
// How the reader reads.
void require_valid_reader(const config::Data& data);
// That the data has what the model wants. `data` has passed require_valid_features().
void require_valid_model(const config::Model& model, const config::Data& data);

}  // namespace polyscene::core
