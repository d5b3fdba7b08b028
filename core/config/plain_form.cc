#include "core/config/plain_form.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <vector>

namespace polyscene::core::config_text {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

bool holds_default(const Message& message, const FieldDescriptor& field) {
  const Reflection& values = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return values.GetInt32(message, &field) == field.default_value_int32();
    case FieldDescriptor::CPPTYPE_INT64:
      return values.GetInt64(message, &field) == field.default_value_int64();
    case FieldDescriptor::CPPTYPE_UINT32:
      return values.GetUInt32(message, &field) == field.default_value_uint32();
    case FieldDescriptor::CPPTYPE_UINT64:
      return values.GetUInt64(message, &field) == field.default_value_uint64();
    case FieldDescriptor::CPPTYPE_FLOAT:
      return values.GetFloat(message, &field) == field.default_value_float();
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return values.GetDouble(message, &field) == field.default_value_double();
    case FieldDescriptor::CPPTYPE_BOOL:
      return values.GetBool(message, &field) == field.default_value_bool();
    case FieldDescriptor::CPPTYPE_ENUM:
      return values.GetEnum(message, &field) == field.default_value_enum();
    case FieldDescriptor::CPPTYPE_STRING:
      return values.GetString(message, &field) == field.default_value_string();
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return false;
}

}  // namespace

void clear_declared_defaults(Message& message) {
  const Reflection& values = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;  // fields that are set
  values.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (is_message && field->is_repeated()) {
      for (int i = 0; i < values.FieldSize(message, field); ++i)
        clear_declared_defaults(*values.MutableRepeatedMessage(&message, field, i));
    } else if (is_message) {
      clear_declared_defaults(*values.MutableMessage(&message, field));
    } else if (field->has_default_value() && field->containing_oneof() == nullptr && holds_default(message, *field)) {
      values.ClearField(&message, field);
    }
  }
}

}  // namespace polyscene::core::config_text
