// Protobuf messages as text files whose first line is a hash of the rest (core/files/sealed_text.h).
#pragma once

#include <google/protobuf/message.h>

#include <string>

namespace polyscene::checkpoint {

// Writes the message, whose field xxh3 must not be set, and replaces the file in one step. Throws DataError.
void write_sealed(const std::string& path, const google::protobuf::Message& message);

struct ReadMessage {
  bool hashed = false;  // false: an earlier version wrote the file
  std::string unknown;  // the first unknown field; empty when there is none
};
// Throws DataError, with `advice`, when the file cannot be read or is damaged.
[[nodiscard]] ReadMessage read_sealed(const std::string& path, google::protobuf::Message& message,
                                      const std::string& advice);

}  // namespace polyscene::checkpoint
