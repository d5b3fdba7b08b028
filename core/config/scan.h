// Finds the places of values in configuration text; TextFormat itself checks the text. Unlike TextFormat's own
// ParseInfoTree, it gives the place of each list element, and what was being read where TextFormat stopped.
#pragma once

#include <string>

#include "core/config/source_tree.h"

namespace google::protobuf {
class Descriptor;
}

namespace polyscene::core::config_text {

struct ScannedToken {
  std::string text;  // as written; empty at the end of the file
  Place place;
};

// The state of the scan before one token of the text.
struct Cursor {
  const google::protobuf::Descriptor* message = nullptr;  // innermost block; null inside an unknown field
  std::string message_path;                               // "train.optimizer"; "" at the top
  ScannedToken field;                                     // name of the field that is being read in the block
  ScannedToken last, next;                                // tokens before and at the stop
};

struct Scan {
  SourceTree tree;  // places of everything before the stop
  Cursor cursor;
};

// The text of one message. `root_path`: path of the message in the configuration, "" for a whole configuration.
struct ScannedText {
  std::string file, text;
  const google::protobuf::Descriptor* root = nullptr;
  std::string root_path;
};

// Scans up to the first token at or after line and column (both from 1). Line 0: scans to the end.
[[nodiscard]] Scan scan(const ScannedText& source, int line = 0, int column = 0);

}  // namespace polyscene::core::config_text
