#include "core/config/explain.h"

#include <google/protobuf/descriptor.h>

#include "core/config/characters.h"
#include "core/config/schema.h"
#include "ops/base/error.h"

namespace polyscene::core::config_text {
namespace {

using google::protobuf::FieldDescriptor;

// Kinds of TextFormat's errors. It has no error codes, only English; an unknown wording is passed on unchanged.
enum class Slip { kUnknownField, kTwice, kRival, kWrongWord, kNoValue, kMisplaced, kWrongValue, kForeign, kOther };

Slip slip_of(const std::string& message) {
  const auto holds = [&](const char* part) { return message.find(part) != std::string::npos; };
  if (holds("non ascii codepoint") || holds("control characters")) return Slip::kForeign;
  if (holds("has no field named")) return Slip::kUnknownField;
  if (holds("is specified multiple times")) return Slip::kTwice;
  if (holds("another member of oneof")) return Slip::kRival;
  if (holds("Unknown enumeration value") || holds("Invalid value for boolean")) return Slip::kWrongWord;
  if (holds("Expected \"{\"") || holds("Expected \":\"")) return Slip::kNoValue;
  if (holds("Expected identifier")) return Slip::kMisplaced;
  if (holds("Expected") || holds("Integer out of range")) return Slip::kWrongValue;
  return Slip::kOther;
}

std::string path_of(const Cursor& at) {
  return at.message_path.empty() ? at.field.text : at.message_path + "." + at.field.text;
}

std::string shown(const ScannedToken& token) { return token.text.empty() ? "the end of the file" : token.text; }

std::string line_column(const Place& place) { return str(place.line, ":", place.column); }

class Explainer {
 public:
  Explainer(const ScannedText& source, const FirstError::Report& report)
      : source_(source), report_(report), scan_(scan(source, report.line, report.column)), at_(scan_.cursor) {}

  Explanation explain() const {
    const Slip slip = slip_of(report_.message);
    const FieldDescriptor* field = at_.message ? at_.message->FindFieldByName(at_.field.text) : nullptr;
    if (slip == Slip::kUnknownField && at_.message && !field)
      return {at_.field.place, unknown_field(*at_.message, at_.message_path, at_.field.text)};
    if (slip == Slip::kForeign)
      return {{source_.file, report_.line, report_.column},
              foreign_character(source_.text, report_.line, report_.column)};
    if (slip == Slip::kOther) return {{source_.file, report_.line, report_.column}, report_.message};
    return field ? in_field(slip, *field) : between_fields();
  }

 private:
  [[nodiscard]] Explanation between_fields() const {
    const std::string where = at_.message_path.empty() ? "" : " in " + at_.message_path;
    return {at_.next.place, str("wanted a field's name", where, ", got ", shown(at_.next))};
  }

  [[nodiscard]] Explanation in_field(Slip slip, const FieldDescriptor& field) const {
    const std::string path = path_of(at_);
    const bool wants_value = at_.last.text == ":" || at_.last.text == "[" || at_.last.text == ",";
    if (slip == Slip::kMisplaced && wants_value) slip = Slip::kWrongValue;
    switch (slip) {
      case Slip::kTwice:
        return {at_.field.place, str(path, " is given twice", first_place(path), "; keep one")};
      case Slip::kRival:
        return {at_.field.place, str(path, " is given beside ", rival(field), "; keep one")};
      case Slip::kWrongWord:
        return {at_.last.place, wrong_value(field, path, at_.last.text)};
      case Slip::kNoValue:
        return {at_.field.place, str(path, " wants ", wanted(field), field.message_type() ? "" : " behind a colon",
                                     ", got ", shown(at_.next))};
      case Slip::kMisplaced:
        return {at_.next.place,
                str("wanted a field's name or a closing brace behind ", path, ", got ", shown(at_.next))};
      default:
        return {at_.next.place, wrong_value(field, path, shown(at_.next))};
    }
  }

  // The node at `path`, which begins with the source's own path, if it stands before the error; else null.
  [[nodiscard]] const SourceTree* find(const std::string& path) const {
    return scan_.tree.find(source_.root_path.empty() ? path : path.substr(source_.root_path.size() + 1));
  }

  [[nodiscard]] std::string first_place(const std::string& path) const {
    const SourceTree* first = find(path);
    return first ? str(" (first at ", line_column(first->place), ")") : "";
  }

  // The member of the same oneof that stands before the error, with its place.
  [[nodiscard]] std::string rival(const FieldDescriptor& field) const {
    const google::protobuf::OneofDescriptor& choice = *field.containing_oneof();
    for (int i = 0; i < choice.field_count(); ++i) {
      const std::string path = at_.message_path + "." + choice.field(i)->name();
      const SourceTree* node = find(path);
      if (node && choice.field(i) != &field) return str(path, " (at ", line_column(node->place), ")");
    }
    return "another member of " + choice.name();
  }

  const ScannedText& source_;
  const FirstError::Report& report_;
  Scan scan_;
  const Cursor& at_;
};

}  // namespace

Explanation explain(const ScannedText& source, const FirstError::Report& report) {
  return Explainer(source, report).explain();
}

}  // namespace polyscene::core::config_text
