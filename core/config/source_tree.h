// The place of each value of a configuration: a tree of the same form as the message. It is merged like the message, so
// that a check of the merged message can name file, line and column.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace polyscene::core::config_text {

// A place in a file, or the command-line override that set a value.
struct Place {
  std::string file;  // as opened; "--set path=value" for overrides
  int line = 0;      // from 1; 0 for overrides
  int column = 0;    // from 1
};

// "file:line:column", or the override's text.
[[nodiscard]] std::string to_string(const Place& place);

// One step of a path like data.feature[3].name: a field's name, and the text in brackets (empty without brackets).
struct Step {
  std::string name, index;
};

// Splits a path at its dots. Throws InvalidArgument on an empty step or an unclosed bracket.
[[nodiscard]] std::vector<Step> parse_path(std::string_view path);

struct SourceTree {
  Place place;
  bool list_element = false;
  // A singular field has one node, a repeated field one node per element.
  std::map<std::string, std::vector<SourceTree>, std::less<>> fields;

  // Merges a later file over this one like protobuf: values are replaced, blocks merged, lists appended.
  void merge(SourceTree later);
  // Place of the value at `path`, or of the nearest enclosing block that has a place.
  [[nodiscard]] const Place& place_of(std::string_view path) const;
  // The node at `path`, or null if the path was not written.
  [[nodiscard]] const SourceTree* find(std::string_view path) const;
};

}  // namespace polyscene::core::config_text
