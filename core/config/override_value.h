// The right side of `--set path=value`.
#pragma once

#include <string>

namespace google::protobuf {
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace polyscene::core::config_text {

// Sets `field` of `out` (empty before) from the text. TextFormat converts it, so files and overrides follow the same
// rules. Lists are split at commas, strings are taken as they are, blocks stand in braces. Returns what is wrong with
// the value, or "". `block` is the path of the message in the configuration.
[[nodiscard]] std::string parse_override_value(const google::protobuf::FieldDescriptor& field, const std::string& block,
                                               const std::string& value, google::protobuf::Message& out);

}  // namespace polyscene::core::config_text
