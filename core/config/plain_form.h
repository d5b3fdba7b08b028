// One form for configurations that mean the same.
#pragma once

namespace google::protobuf {
class Message;
}

namespace polyscene::config_text {

// Clears every field of `message`, and of the messages in it, that holds the default which experiment.proto declares
// for it: `train.max_steps: 0` means what its absence means, so a run that was resumed with it and one that never had
// it save the same configuration. Fields without a declared default, lists and choices (oneof) stay as they are.
void clear_declared_defaults(google::protobuf::Message& message);

}  // namespace polyscene::config_text
