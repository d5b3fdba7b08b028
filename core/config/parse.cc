#include "core/config/parse.h"

#include <google/protobuf/text_format.h>

#include "core/config/experiment.pb.h"
#include "core/config/first_error.h"
#include "core/config/scan.h"
#include "core/config/schema.h"
#include "ops/base/error.h"

namespace polyscene::config_text {
namespace {

using google::protobuf::FieldDescriptor;

bool holds(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

[[noreturn]] void fail(const Place& place, const std::string& message) {
  throw InvalidArgument(str("[config] ", to_string(place), ": ", message));
}

std::string path_of(const Cursor& at) {
  return at.message_path.empty() ? at.field.text : at.message_path + "." + at.field.text;
}

std::string shown(const ScannedToken& token) { return token.text.empty() ? "the end of the file" : token.text; }

// The member of the same oneof that stands before, with its place.
std::string rival(const Scan& found, const FieldDescriptor& field) {
  const google::protobuf::OneofDescriptor& choice = *field.containing_oneof();
  for (int i = 0; i < choice.field_count(); ++i) {
    const std::string path = found.cursor.message_path + "." + choice.field(i)->name();
    const SourceTree* node = found.tree.find(path);
    if (node && choice.field(i) != &field) return str(path, " (at ", node->place.line, ":", node->place.column, ")");
  }
  return "another member of " + choice.name();
}

[[noreturn]] void fail_in_field(const Scan& found, const FieldDescriptor& field, const std::string& reason) {
  const Cursor& at = found.cursor;
  if (holds(reason, "multiple times")) {
    const SourceTree* first = found.tree.find(path_of(at));
    const std::string where = first ? str(" (first at ", first->place.line, ":", first->place.column, ")") : "";
    fail(at.field.place, str(path_of(at), " is given twice", where, "; keep one"));
  }
  if (holds(reason, "another member of oneof"))
    fail(at.field.place, str(path_of(at), " is given beside ", rival(found, field), "; keep one"));
  if (holds(reason, "Unknown enumeration value") || holds(reason, "Invalid value for boolean"))
    fail(at.last.place, wrong_value(field, path_of(at), at.last.text));
  if (holds(reason, "Expected \"{\"") || holds(reason, "Expected \":\""))
    fail(at.field.place, str(path_of(at), " wants ", wanted(field), field.message_type() ? "" : " behind a colon",
                             ", got ", shown(at.next)));
  const bool wants_value = at.last.text == ":" || at.last.text == "[" || at.last.text == ",";
  if (holds(reason, "Expected identifier") && !wants_value)
    fail(at.next.place, str("wanted a field's name or a closing brace behind ", path_of(at), ", got ", shown(at.next)));
  if (holds(reason, "Expected") || holds(reason, "out of range"))
    fail(at.next.place, wrong_value(field, path_of(at), shown(at.next)));
  fail(at.next.place, str(path_of(at), ": ", reason));
}

[[noreturn]] void explain(const std::string& file, const std::string& text, const FirstError::Report& report) {
  const Scan found = scan(file, text, *config::Experiment::descriptor(), report.line, report.column);
  const Cursor& at = found.cursor;
  const FieldDescriptor* field = at.message ? at.message->FindFieldByName(at.field.text) : nullptr;
  if (at.message && !field && !at.field.text.empty() && holds(report.message, "has no field named"))
    fail(at.field.place, unknown_field(*at.message, at.message_path, at.field.text));
  const bool token_error = !holds(report.message, "Expected") && !holds(report.message, "numeration") &&
                           !holds(report.message, "boolean") && !holds(report.message, "multiple times") &&
                           !holds(report.message, "oneof") && !holds(report.message, "out of range");
  if (token_error) fail({file, report.line, report.column}, report.message);
  if (field) fail_in_field(found, *field, report.message);
  const std::string where = at.message_path.empty() ? "" : " in " + at.message_path;
  fail(at.next.place, str("wanted a field's name", where, ", got ", shown(at.next)));
}

}  // namespace

SourceTree parse_text(const std::string& file, const std::string& text, config::Experiment& message) {
  FirstError errors;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  const bool ok = parser.ParseFromString(text, &message);
  if (errors.report) explain(file, text, *errors.report);
  require(ok, "[config] ", file, ":1:1: wanted text of the message polyscene.config.Experiment");
  return scan(file, text, *config::Experiment::descriptor()).tree;
}

}  // namespace polyscene::config_text
