#include "core/config/override_value.h"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <vector>

#include "core/config/explain.h"
#include "core/config/schema.h"

namespace polyscene::core::config_text {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::vector<std::string> parts_of(const FieldDescriptor& field, const std::string& value) {
  if (!field.is_repeated() || field.message_type()) return {value};
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= value.size();) {
    const size_t end = std::min(value.find(',', begin), value.size());
    parts.push_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool is_word(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '+' || c == '-';
  });
}

// Whether the part is a single value. Without this check `5 epochs: 3` would set a second field.
bool is_one_value(const FieldDescriptor& field, const std::string& part) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) return true;
  if (field.message_type()) return part.size() >= 2 && part.front() == '{' && part.back() == '}';
  return is_word(part);
}

bool holds_only(const Message& message, const FieldDescriptor& field) {
  std::vector<const FieldDescriptor*> set;
  message.GetReflection()->ListFields(message, &set);
  return set.size() == 1 && set.front() == &field;
}

}  // namespace

std::string parse_override_value(const FieldDescriptor& field, const std::string& block, const std::string& value,
                                 Message& out) {
  const std::string path = block.empty() ? field.name() : block + "." + field.name();
  for (const std::string& part : parts_of(field, value)) {
    if (!is_one_value(field, part)) return wrong_value(field, path, part);
    const bool text = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    const ScannedText source{"", field.name() + ": " + (text ? quoted(part) : part), out.GetDescriptor(), block};
    FirstError errors;
    google::protobuf::TextFormat::Parser parser;
    parser.RecordErrorsTo(&errors);
    const std::unique_ptr<Message> one(out.New());
    const bool ok = parser.ParseFromString(source.text, one.get());
    if (!ok && field.message_type() && errors.report) return explain(source, *errors.report).message;
    if (!ok || !holds_only(*one, field)) return wrong_value(field, path, part);
    out.MergeFrom(*one);
  }
  return "";
}

}  // namespace polyscene::core::config_text
