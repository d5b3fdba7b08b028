// The right side of `--set path=value`.
#pragma once

#include <string>

namespace google::protobuf {
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace polyscene::config_text {

// Sets `field` of `out` (empty before) from the text: TextFormat converts, so files and overrides share one set of
// rules. A list's value is cut at commas, a text is taken as it is, a block stands in braces. Returns what is wrong
// with the value, or nothing; `block` is the path of the message in the configuration.
[[nodiscard]] std::string parse_override_value(const google::protobuf::FieldDescriptor& field, const std::string& block,
                                               const std::string& value, google::protobuf::Message& out);

}  // namespace polyscene::config_text
