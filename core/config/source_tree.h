// Where each value of a configuration was written: a tree of the same form as the message, holding places. It outlives
// the merging of files, so that a check of the merged message can name file, line and column.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace polyscene::config_text {

// A place in a file, or the command-line override that set a value.
struct Place {
  std::string file;  // as opened; "--set path=value" for overrides
  int line = 0;      // from 1; 0 for overrides
  int column = 0;    // from 1
};

// "file:line:column", or the override's text.
[[nodiscard]] std::string to_string(const Place& place);

// One step of a path like data.feature[3].name: a field's name and what stood in brackets (empty without).
struct Step {
  std::string name, index;
};

// Cuts a path at its dots. Throws InvalidArgument on an empty step or an open bracket.
[[nodiscard]] std::vector<Step> parse_path(std::string_view path);

struct SourceTree {
  Place place;
  bool list_element = false;
  // A singular field holds one node, a repeated one a node per element.
  std::map<std::string, std::vector<SourceTree>, std::less<>> fields;

  // Lays a later file over this one as protobuf merges: values are replaced, blocks merged, lists appended.
  void merge(SourceTree later);
  // Place of the value at `path`, or of the nearest enclosing block that has one.
  [[nodiscard]] const Place& place_of(std::string_view path) const;
  // The node at `path` if it was written, else null.
  [[nodiscard]] const SourceTree* find(std::string_view path) const;
};

}  // namespace polyscene::config_text
