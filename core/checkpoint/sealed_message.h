// Messages as text that begins with its own hash (core/files/sealed_text.h).
#pragma once

#include <google/protobuf/message.h>

#include <string>

namespace polyscene::checkpoint {

// Replaces the file whole; its field xxh3 is not set. Throws DataError.
void write_sealed(const std::string& path, const google::protobuf::Message& message);

struct ReadMessage {
  bool hashed = false;  // else an earlier program wrote it
  std::string unknown;  // the first field that this program does not know; empty: there is none
};
// Throws DataError where the file cannot be read, or is not as it was written; `advice` says what to do then.
[[nodiscard]] ReadMessage read_sealed(const std::string& path, google::protobuf::Message& message,
                                      const std::string& advice);

}  // namespace polyscene::checkpoint
