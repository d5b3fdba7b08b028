// Gives equivalent configurations one form.
#pragma once

namespace google::protobuf {
class Message;
}

namespace polyscene::core::config_text {

// Clears every field of `message`, and of the messages in it, that holds the default declared in experiment.proto. For
// example `train.max_steps: 0` means the same as no max_steps, so runs with and without it save the same configuration.
// Fields without a declared default, lists and oneofs stay as they are.
void clear_declared_defaults(google::protobuf::Message& message);

}  // namespace polyscene::core::config_text
