// Standard output with error detection: a command whose output was lost must not succeed.
#pragma once

#include <streambuf>
#include <vector>

namespace polyscene::launcher {

// Replaces the buffer of std::cout during its lifetime. Writes never fail for the caller: the first error is kept, and
// further output is dropped.
class StandardOutput : public std::streambuf {
 public:
  StandardOutput();
  ~StandardOutput() override;
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

  // Flushes to the operating system. Throws DataError with its reason if any output was lost, now or before. It is not
  // an error if the reader of a pipe has closed its end.
  void finish();

 protected:
  int_type overflow(int_type c) override;
  int sync() override;

 private:
  std::vector<char> bytes_;
  std::streambuf* before_;
  int error_ = 0;  // errno of the first write that failed
};

}  // namespace polyscene::launcher
