#include "core/config/parse.h"

#include <google/protobuf/text_format.h>

#include "core/config/characters.h"
#include "core/config/experiment.pb.h"
#include "core/config/explain.h"
#include "ops/base/error.h"

namespace polyscene::core::config_text {

SourceTree parse_text(const std::string& file, const std::string& text, config::Experiment& message) {
  const ScannedText source{file, plain_text(file, text), config::Experiment::descriptor(), ""};
  FirstError errors;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  const bool ok = parser.ParseFromString(source.text, &message);
  if (errors.report) {
    const Explanation why = explain(source, *errors.report);
    throw InvalidArgument(str("[config] ", to_string(why.place), ": ", why.message));
  }
  require(ok, "[config] ", file, ":1:1: wanted text of the message polyscene.config.Experiment");
  return scan(source).tree;
}

}  // namespace polyscene::core::config_text
