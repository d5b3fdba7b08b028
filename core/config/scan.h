// Reads configuration text for places only. TextFormat judges the text; this says where each value stands, element by
// element of a list (which TextFormat's own ParseInfoTree does not), and what was being read where TextFormat stopped.
#pragma once

#include <string>

#include "core/config/source_tree.h"

namespace google::protobuf {
class Descriptor;
}

namespace polyscene::config_text {

struct ScannedToken {
  std::string text;  // as written; empty at the end of the file
  Place place;
};

// The state in front of one token of the text.
struct Cursor {
  const google::protobuf::Descriptor* message = nullptr;  // the innermost block; null inside an unknown field
  std::string message_path;                               // "train.optimizer"; "" at the top
  ScannedToken field;                                     // name of the field being read in it
  ScannedToken last, next;                                // the tokens before and at the stop
};

struct Scan {
  SourceTree tree;  // of everything before the stop
  Cursor cursor;
};

// Text of one message and what it is called: `root_path` is where the message stands, "" for a whole configuration.
struct ScannedText {
  std::string file, text;
  const google::protobuf::Descriptor* root = nullptr;
  std::string root_path;
};

// Scans up to the first token at or behind line and column (both from 1); line 0: to the end.
[[nodiscard]] Scan scan(const ScannedText& source, int line = 0, int column = 0);

}  // namespace polyscene::config_text
