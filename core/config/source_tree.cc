#include "core/config/source_tree.h"

#include <utility>

#include "core/text/whole_number.h"
#include "ops/base/error.h"

namespace polyscene::core::config_text {
namespace {

Step parse_step(std::string_view path, std::string_view text) {
  const size_t open = text.find('[');
  Step step{std::string(text.substr(0, open)), ""};
  const bool closed = open == std::string_view::npos || (text.back() == ']' && text.size() > open + 2);
  require(!step.name.empty() && closed, "[config] wanted a path of names like data.feature[3].name, got \"", path,
          "\"");
  if (open != std::string_view::npos) step.index = text.substr(open + 1, text.size() - open - 2);
  return step;
}

// The child that `step` names, or null.
const SourceTree* child_of(const SourceTree& node, const Step& step) {
  const auto found = node.fields.find(step.name);
  if (found == node.fields.end() || found->second.empty()) return nullptr;
  const std::optional<size_t> index = step.index.empty() ? 0 : whole_number<size_t>(step.index);
  return index && *index < found->second.size() ? &found->second[*index] : nullptr;
}

}  // namespace

std::string to_string(const Place& place) {
  return place.line > 0 ? str(place.file, ":", place.line, ":", place.column) : place.file;
}

// A dot inside brackets belongs to the index: feature names may hold dots.
std::vector<Step> parse_path(std::string_view path) {
  std::vector<Step> steps;
  size_t begin = 0;
  bool inside = false;
  for (size_t i = 0; i <= path.size(); ++i) {
    const bool end = i == path.size() || (path[i] == '.' && !inside);
    if (end) {
      steps.push_back(parse_step(path, path.substr(begin, i - begin)));
      begin = i + 1;
    } else {
      inside = path[i] == '[' || (inside && path[i] != ']');
    }
  }
  return steps;
}

void SourceTree::merge(SourceTree later) {
  place = later.place;
  for (auto& [name, nodes] : later.fields) {
    std::vector<SourceTree>& mine = fields[name];
    const bool append = mine.empty() || (!nodes.empty() && nodes.front().list_element);
    if (append) {
      mine.insert(mine.end(), std::make_move_iterator(nodes.begin()), std::make_move_iterator(nodes.end()));
    } else if (!nodes.empty()) {
      mine.front().merge(std::move(nodes.front()));
    }
  }
}

const Place& SourceTree::place_of(std::string_view path) const {
  const SourceTree* node = this;
  for (const Step& step : parse_path(path)) {
    const SourceTree* child = child_of(*node, step);
    if (!child) break;
    node = child;
  }
  return node->place;
}

const SourceTree* SourceTree::find(std::string_view path) const {
  const SourceTree* node = this;
  for (const Step& step : parse_path(path)) {
    node = child_of(*node, step);
    if (!node) return nullptr;
  }
  return node;
}

}  // namespace polyscene::core::config_text
