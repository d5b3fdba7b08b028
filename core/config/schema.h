// Describes the schema in messages: what a field wants, and what a wrong name was probably meant to be.
#pragma once

#include <string>
#include <vector>

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
}  // namespace google::protobuf

namespace polyscene::core::config_text {

// Names of a message's fields, in the order of the schema.
[[nodiscard]] std::vector<std::string> field_names(const google::protobuf::Descriptor& message);

// "a whole number", "one of ADAM, SGD", "a block { ... }".
[[nodiscard]] std::string wanted(const google::protobuf::FieldDescriptor& field);

// `unknown field "x" in train; did you mean "y"?`. `path` is the path of the message, "" for the whole configuration.
// Knows other programs' names of our fields. If the message has no similar field, searches the blocks below it and then
// the whole schema.
[[nodiscard]] std::string unknown_field(const google::protobuf::Descriptor& message, const std::string& path,
                                        const std::string& name);

// `optimizer.kind wants one of ADAM, SGD, got "adam"; did you mean "ADAM"?`. `got` is printed unchanged.
[[nodiscard]] std::string wrong_value(const google::protobuf::FieldDescriptor& field, const std::string& path,
                                      const std::string& got);

}  // namespace polyscene::core::config_text
