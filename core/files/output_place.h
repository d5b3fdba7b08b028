// The destination of an output that the user names. A regular file (links are followed) is replaced as a whole. A pipe,
// a terminal, /dev/null and the process's own descriptors (/dev/stdout) are written to directly.
#pragma once

#include <string>

namespace polyscene::core {

struct OutputPlace {
  enum class Kind { kFile, kStream, kDescriptor };
  Kind kind = Kind::kFile;
  std::string path;     // the path after following all links
  int descriptor = -1;  // kDescriptor: the descriptor, open in this process

  // kFile: the temporary file that is written until it is complete.
  [[nodiscard]] std::string partial() const { return path + ".partial"; }
  // Whether the output goes to standard output, so that text printed by the program would mix with it.
  [[nodiscard]] bool is_standard_output() const;
};

// Finds the destination without opening or creating anything. `option` is the user's name of it, such as "--output".
// Throws InvalidArgument for anything that cannot be written like a file: a folder, a disk, a socket, cyclic links.
[[nodiscard]] OutputPlace output_place(const std::string& option, const std::string& path);

// Opens the destination for writing from the start. For a file this is partial(), created anew. Opening a pipe waits
// for its reader. Returns a descriptor that the caller closes, or -1 with errno set: EBUSY while another process writes
// that file.
[[nodiscard]] int open_output(const OutputPlace& place);

}  // namespace polyscene::core
