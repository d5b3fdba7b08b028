#include "core/checkpoint/sealed_message.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include "core/files/atomic_file.h"
#include "core/files/readable_file.h"
#include "core/files/sealed_text.h"
#include "ops/base/error.h"

namespace polyscene::checkpoint {
namespace {

// Limit on nested messages, far above real nesting: without it a crafted file could overflow the stack.
constexpr int kDeepestMessage = 100;

// Keeps the first unknown field; the parser reports unknown fields as warnings.
struct FirstUnknown : public google::protobuf::io::ErrorCollector {
  std::string field;
  void AddError(int, int, const std::string&) override {}
  void AddWarning(int line, int, const std::string& message) override {
    if (field.empty()) field = str("line ", line + 1, ": ", message);
  }
};

}  // namespace

void write_sealed(const std::string& path, const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  text = sealed(core::kProtoSeal, text);
  core::AtomicFile file(path, std::ssize(text));
  file.write(text.data(), std::ssize(text));
  file.commit();
}

ReadMessage read_sealed(const std::string& path, google::protobuf::Message& message, const std::string& advice) {
  const std::string text = core::read_text_file(path);
  require<DataError>(!text.empty(), "[checkpoint] ", path, " is empty; ", advice);
  const core::Seal seal = seal_of(core::kProtoSeal, text);
  require<DataError>(seal != core::Seal::kBroken, "[checkpoint] ", path, " does not have the hash on its first line; ",
                     advice);
  FirstUnknown unknown;
  google::protobuf::TextFormat::Parser parser;
  parser.AllowUnknownField(true);
  parser.SetRecursionLimit(kDeepestMessage);
  parser.RecordErrorsTo(&unknown);
  const bool parsed = parser.ParseFromString(text, &message);
  require<DataError>(parsed, "[checkpoint] cannot read ", path, "; ", advice);
  const auto* hash = message.GetDescriptor()->FindFieldByName("xxh3");
  require<DataError>(seal == core::Seal::kWhole || !message.GetReflection()->HasField(message, hash), "[checkpoint] ",
                     path, " has a hash of itself that is not on its first line; ", advice);
  message.GetReflection()->ClearField(&message, hash);
  return {seal == core::Seal::kWhole, std::move(unknown.field)};
}

}  // namespace polyscene::checkpoint
