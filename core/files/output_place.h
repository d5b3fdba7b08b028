// Where a file goes that the user of a command named. A file is replaced as a whole, behind links too; a pipe, a
// terminal, /dev/null and the process's own descriptors (/dev/stdout) stay what they are and are written to.
#pragma once

#include <string>

namespace polyscene {

struct OutputPlace {
  enum class Kind { kFile, kStream, kDescriptor };
  Kind kind = Kind::kFile;
  std::string path;     // behind all links
  int descriptor = -1;  // kDescriptor: open in this process

  // What is written aside until it is whole; kFile alone.
  [[nodiscard]] std::string partial() const { return path + ".partial"; }
  // Whether what a program prints would come between what is written there.
  [[nodiscard]] bool is_standard_output() const;
};

// Nothing is opened or made. `option` is how the user names it, such as "--output". Throws InvalidArgument for what is
// no file and cannot be written like one: a folder, a disk, a socket, links in a circle.
[[nodiscard]] OutputPlace output_place(const std::string& option, const std::string& path);

// Opens it to be written from its start: a file aside, of which an earlier one goes. A pipe waits for its reader.
// Returns a descriptor that the caller closes, or -1 with errno set: EBUSY while another process writes that file.
[[nodiscard]] int open_output(const OutputPlace& place);

}  // namespace polyscene
