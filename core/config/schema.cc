#include "core/config/schema.h"

#include <google/protobuf/descriptor.h>

#include "core/config/experiment.pb.h"
#include "core/config/suggest.h"
#include "ops/base/error.h"

namespace polyscene::config_text {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

std::vector<std::string> value_names(const EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  return names;
}

// Paths of all fields called `name` below `message`. The schema has no recursive message.
void find_everywhere(const Descriptor& message, const std::string& prefix, const std::string& name,
                     std::vector<std::string>& found) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string path = prefix + field.name();
    if (field.name() == name) found.push_back(path);
    if (field.message_type())
      find_everywhere(*field.message_type(), path + (field.is_repeated() ? "[i]." : "."), name, found);
  }
}

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
  if (!nearest(name, here).empty()) return head + suggestion(name, here);
  std::vector<std::string> elsewhere;
  find_everywhere(*config::Experiment::descriptor(), "", name, elsewhere);
  if (!elsewhere.empty()) return str(head, "; there is ", join(elsewhere), "; here wanted one of ", join(here));
  return head + suggestion(name, here);
}

std::string wrong_value(const FieldDescriptor& field, const std::string& path, const std::string& got) {
  std::string text = str(path, " wants ", wanted(field), ", got ", got);
  if (!field.enum_type()) return text;
  const std::string near = nearest(got, value_names(*field.enum_type()));
  return near.empty() ? text : str(text, "; did you mean ", near, "?");
}

}  // namespace polyscene::config_text
