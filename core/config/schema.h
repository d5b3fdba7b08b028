// The schema in words: what a field wants, and what a wrong name was meant to be.
#pragma once

#include <string>
#include <vector>

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
}  // namespace google::protobuf

namespace polyscene::config_text {

// Names of a message's fields, in the order of the schema.
[[nodiscard]] std::vector<std::string> field_names(const google::protobuf::Descriptor& message);

// "a whole number", "one of ADAM, SGD", "a block { ... }".
[[nodiscard]] std::string wanted(const google::protobuf::FieldDescriptor& field);

// `unknown field "x" in train; did you mean "y"?`; `path` is where the message stands, "" for the whole configuration.
// Knows what others call our fields, and looks below the message and then in the whole schema when the message itself
// has nothing like it.
[[nodiscard]] std::string unknown_field(const google::protobuf::Descriptor& message, const std::string& path,
                                        const std::string& name);

// `optimizer.kind wants one of ADAM, SGD, got "adam"; did you mean "ADAM"?`; `got` is printed as it is.
[[nodiscard]] std::string wrong_value(const google::protobuf::FieldDescriptor& field, const std::string& path,
                                      const std::string& got);

}  // namespace polyscene::config_text
