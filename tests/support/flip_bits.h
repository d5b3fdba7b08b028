// Flips every single bit of a small file.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace polyscene::testing {

// For each bit of the file: flips it, calls check(bit), and flips it back.
template <class Check>
void with_each_bit_flipped(const std::string& path, const Check& check) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) throw std::logic_error("cannot open " + path);
  unsigned char byte = 0;
  for (off_t at = 0; ::pread(file, &byte, 1, at) == 1; ++at)
    for (unsigned bit = 0; bit < 8; ++bit) {
      const auto flipped = static_cast<unsigned char>(byte ^ 1u << bit);
      if (::pwrite(file, &flipped, 1, at) != 1) throw std::logic_error("cannot write " + path);
      check(8 * static_cast<size_t>(at) + bit);
      if (::pwrite(file, &byte, 1, at) != 1) throw std::logic_error("cannot write " + path);
    }
  ::close(file);
}

}  // namespace polyscene::testing
