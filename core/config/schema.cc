#include "core/config/schema.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "core/config/experiment.pb.h"
#include "core/text/suggest.h"
#include "ops/base/error.h"

namespace polyscene::core::config_text {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

std::vector<std::string> value_names(const EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  return names;
}

struct Named {
  std::string path, name;
};

// All fields below `message`. The schema has no recursive message.
void add_below(const Descriptor& message, const std::string& prefix, std::vector<Named>& fields) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    fields.push_back({prefix + field.name(), field.name()});
    if (field.message_type())
      add_below(*field.message_type(), fields.back().path + (field.is_repeated() ? "[i]." : "."), fields);
  }
}

std::vector<Named> below(const Descriptor& message, const std::string& path) {
  std::vector<Named> fields;
  add_below(message, path.empty() ? "" : path + ".", fields);
  return fields;
}

// The word itself, and our names of the field that other programs give that name.
std::vector<std::string> synonyms(const std::string& word) {
  static const std::map<std::string, std::string> ours = {
      {"lr", "learning_rate"}, {"wd", "weight_decay"},     {"l2", "weight_decay"}, {"eps", "epsilon"},
      {"bs", "batch_size"},    {"num_workers", "threads"}, {"workers", "threads"}, {"grad_clip", "clip_norm"},
  };
  const auto found = ours.find(word);
  return found == ours.end() ? std::vector{word} : std::vector{word, found->second};
}

std::vector<std::string> paths_of(const std::vector<Named>& fields, const std::string& name) {
  std::vector<std::string> paths;
  for (const Named& field : fields)
    if (field.name == name) paths.push_back(field.path);
  return paths;
}

// Paths of the fields that have one of the names; if there are none, of those nearest to the first name.
std::vector<std::string> paths_like(const std::vector<Named>& fields, const std::vector<std::string>& names) {
  std::vector<std::string> paths;
  for (const std::string& name : names) std::ranges::copy(paths_of(fields, name), std::back_inserter(paths));
  if (!paths.empty()) return paths;
  std::vector<std::string> all;
  for (const Named& field : fields) all.push_back(field.name);
  const std::string near = nearest(names.front(), all);
  return near.empty() ? paths : paths_of(fields, near);
}

std::string did_you_mean(const std::string& name) { return str("; did you mean \"", name, "\"?"); }

}  // namespace

std::vector<std::string> field_names(const Descriptor& message) {
  std::vector<std::string> names;
  for (int i = 0; i < message.field_count(); ++i) names.push_back(message.field(i)->name());
  return names;
}

std::string wanted(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return "a whole number of 32 bits";
    case FieldDescriptor::CPPTYPE_INT64:
      return "a whole number";
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return "a whole number of at least 0";
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return "a number";
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_STRING:
      return "a text in double quotes";
    case FieldDescriptor::CPPTYPE_ENUM:
      return "one of " + join(value_names(*field.enum_type()));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "a block " + field.name() + " { ... }";
  }
  return "another type";
}

std::string unknown_field(const Descriptor& message, const std::string& path, const std::string& name) {
  const std::string head =
      path.empty() ? str("unknown field \"", name, "\"") : str("unknown field \"", name, "\" in ", path);
  const std::vector<std::string> here = field_names(message);
  if (here.empty()) return str(head, ", which has no fields; remove it");
  const std::vector<std::string> words = synonyms(name);
  if (std::ranges::find(here, words.back()) != here.end()) return head + did_you_mean(words.back());
  if (const std::string near = nearest(name, here); !near.empty()) return head + did_you_mean(near);
  const std::string wanted_here = "; here wanted one of " + join(here);
  // Searches the given block first: train.lr does not mean model.lr.
  std::vector<std::string> others = path.empty() ? std::vector<std::string>() : paths_like(below(message, path), words);
  if (others.size() == 1) return head + did_you_mean(others.front());
  if (others.empty()) others = paths_like(below(*config::Experiment::descriptor(), ""), words);
  return others.empty() ? head + suggestion(name, here) : str(head, "; there is ", join(others), wanted_here);
}

std::string wrong_value(const FieldDescriptor& field, const std::string& path, const std::string& got) {
  std::string text = str(path, " wants ", wanted(field), ", got ", got);
  if (!field.enum_type()) return text;
  const std::string near = nearest(got, value_names(*field.enum_type()));
  return near.empty() ? text : str(text, "; did you mean ", near, "?");
}

}  // namespace polyscene::core::config_text
