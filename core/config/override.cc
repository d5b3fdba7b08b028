#include "core/config/override.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "core/config/experiment.pb.h"
#include "core/config/override_value.h"
#include "core/config/schema.h"
#include "core/text/suggest.h"
#include "core/text/whole_number.h"
#include "ops/base/error.h"

namespace polyscene::core::config_text {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// One override: a walk down the message along the path, and down the tree of places beside it.
class Override {
 public:
  Override(const std::string& text, config::Experiment& message, SourceTree& places)
      : text_(text), message_(&message), places_(&places) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) fail("wanted path=value, e.g. train.batch_size=4096");
    steps_ = parse(text.substr(0, equals));
    value_ = text.substr(equals + 1);
    if (steps_.front().name == "include") fail("include can be set only in a file; give another file to --config");
  }

  void apply() {
    for (size_t i = 0; i + 1 < steps_.size(); ++i) descend(steps_[i]);
    const FieldDescriptor& field = field_of(steps_.back());
    check_oneof(field);
    if (!steps_.back().index.empty())
      set_element(field);
    else if (value_.empty())
      clear(field);
    else
      replace(field);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw InvalidArgument(str("[config] --set ", text_, ": ", message));
  }

  [[nodiscard]] std::vector<Step> parse(const std::string& path) const {
    try {
      return parse_path(path);
    } catch (const InvalidArgument&) {
      fail("wanted a path of names like train.batch_size or data.feature[3].name before the =");
    }
  }

  [[nodiscard]] const FieldDescriptor& field_of(const Step& step) const {
    const FieldDescriptor* field = message_->GetDescriptor()->FindFieldByName(step.name);
    if (!field) fail(unknown_field(*message_->GetDescriptor(), path_, step.name));
    if (!step.index.empty() && !field->is_repeated())
      fail(str(path_to(step.name), " is no list; leave out [", step.index, "]"));
    return *field;
  }

  [[nodiscard]] std::string path_to(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }

  // Goes one level down; creates blocks that do not exist yet.
  void descend(const Step& step) {
    const FieldDescriptor& field = field_of(step);
    const std::string path = path_to(step.name);
    if (!field.message_type()) fail(str(path, " is no block, it holds ", wanted(field)));
    check_oneof(field);
    std::vector<SourceTree>& nodes = places_->fields[step.name];
    size_t index = 0;
    if (field.is_repeated()) {
      if (step.index.empty())
        fail(str(path, " is a list of ", size(field), "; say which one, e.g. ", example_index(field, path)));
      const int i = index_of(field, step.index);
      message_ = message_->GetReflection()->MutableRepeatedMessage(message_, &field, i);
      index = i;
      path_ = str(path, "[", i, "]");
    } else {
      message_ = message_->GetReflection()->MutableMessage(message_, &field);
      path_ = path;
    }
    while (nodes.size() <= index) nodes.push_back(node_of(field));
    places_ = &nodes[index];
  }

  [[nodiscard]] int size(const FieldDescriptor& field) const {
    return message_->GetReflection()->FieldSize(*message_, &field);
  }

  // The name of each element of a list, empty where it is not set; no names if elements have no field "name".
  [[nodiscard]] std::vector<std::string> element_names(const FieldDescriptor& field) const {
    const FieldDescriptor* key = field.message_type() ? field.message_type()->FindFieldByName("name") : nullptr;
    std::vector<std::string> names;
    for (int i = 0; key && i < size(field); ++i) {
      const Message& element = message_->GetReflection()->GetRepeatedMessage(*message_, &field, i);
      names.push_back(element.GetReflection()->GetString(element, key));
    }
    return names;
  }

  [[nodiscard]] std::string example_index(const FieldDescriptor& field, const std::string& path) const {
    const std::vector<std::string> names = element_names(field);
    return names.empty() || names.front().empty() ? path + "[0]" : str(path, "[0] or ", path, "[", names.front(), "]");
  }

  // The index of an element. `text` is an index of the list, or else the name of an element.
  [[nodiscard]] int index_of(const FieldDescriptor& field, const std::string& text) const {
    const std::optional<int> index = whole_number<int>(text);
    if (index && *index >= 0 && *index < size(field)) return *index;
    const std::vector<std::string> names = element_names(field);
    const auto named = std::find(names.begin(), names.end(), text);
    if (named != names.end()) return static_cast<int>(named - names.begin());
    const std::string path = path_to(field.name());
    if (size(field) == 0) fail(str(path, " is empty; there is no [", text, "]"));
    const bool number = index || text.find_first_not_of("0123456789") == std::string::npos;  // or too large for an int
    if (number) fail(str(path, " has elements 0 to ", size(field) - 1, ", got [", text, "]"));
    fail(str(path, " has no element named \"", text, "\"", suggestion(text, names)));
  }

  // Refuses to switch the kind of a model or feature by setting one of its fields, which would silently drop the
  // settings of the other kind. `--set model.sfpnet=` is allowed: it clears the present kind.
  void check_oneof(const FieldDescriptor& field) const {
    const google::protobuf::OneofDescriptor* choice = field.containing_oneof();
    if (!choice || (value_.empty() && &field == last_field())) return;
    const FieldDescriptor* current = message_->GetReflection()->GetOneofFieldDescriptor(*message_, choice);
    if (!current || current == &field) return;
    const auto written = places_->fields.find(current->name());
    const std::string where = written == places_->fields.end() || written->second.empty()
                                  ? ""
                                  : str(" (", to_string(written->second.front().place), ")");
    const std::string now = path_to(current->name());
    fail(str("the configuration has ", now, where, "; to switch to ", field.name(),
             ", name a configuration with it or clear first with --set ", now, "="));
  }

  [[nodiscard]] const FieldDescriptor* last_field() const {
    return message_->GetDescriptor()->FindFieldByName(steps_.back().name);
  }

  [[nodiscard]] SourceTree node_of(const FieldDescriptor& field) const {
    return {
        .place = {.file = "--set " + text_, .line = 0, .column = 0}, .list_element = field.is_repeated(), .fields = {}};
  }

  void record_place(const FieldDescriptor& field) {
    places_->fields[field.name()].assign(field.is_repeated() ? size(field) : 1, node_of(field));
  }

  void clear(const FieldDescriptor& field) {
    message_->GetReflection()->ClearField(message_, &field);
    places_->fields.erase(field.name());
  }

  void replace(const FieldDescriptor& field) {
    if (field.is_repeated() && field.message_type())
      fail(str(path_to(field.name()), " is a list of blocks; set a field of one element, e.g. ",
               example_index(field, path_to(field.name()))));
    const std::unique_ptr<Message> parsed = parsed_value(field);
    message_->GetReflection()->ClearField(message_, &field);
    message_->MergeFrom(*parsed);
    record_place(field);
  }

  void set_element(const FieldDescriptor& field) {
    const int index = index_of(field, steps_.back().index);
    const std::unique_ptr<Message> parsed = parsed_value(field);
    const google::protobuf::Reflection& reflection = *message_->GetReflection();
    if (parsed->GetReflection()->FieldSize(*parsed, &field) != 1)
      fail(str(path_to(field.name()), "[", index, "] is one value; leave out the comma"));
    message_->MergeFrom(*parsed);  // appends the new element, which then replaces the old one
    reflection.SwapElements(message_, &field, index, size(field) - 1);
    reflection.RemoveLast(message_, &field);
    std::vector<SourceTree>& nodes = places_->fields[field.name()];
    nodes.resize(size(field));
    nodes[index] = node_of(field);
  }

  // A message of the same type with only `field` set to the value.
  [[nodiscard]] std::unique_ptr<Message> parsed_value(const FieldDescriptor& field) const {
    std::unique_ptr<Message> parsed(message_->New());
    const std::string error = parse_override_value(field, path_, value_, *parsed);
    if (!error.empty()) fail(error);
    return parsed;
  }

  std::string text_, value_, path_;
  std::vector<Step> steps_;
  Message* message_;
  SourceTree* places_;
};

}  // namespace

void apply_override(const std::string& text, config::Experiment& message, SourceTree& places) {
  Override(text, message, places).apply();
}

}  // namespace polyscene::core::config_text
