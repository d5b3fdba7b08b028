// Standard output that is told when it is lost: a command whose result nobody could read has not succeeded.
#pragma once

#include <streambuf>
#include <vector>

namespace polyscene {

// Takes the place of std::cout's buffer while it lives. Writing never fails for who writes; what could not be written
// is remembered, and the rest dropped.
class StandardOutput : public std::streambuf {
 public:
  StandardOutput();
  ~StandardOutput() override;
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

  // Hands all to the operating system. Throws DataError with its reason when something could not be written, now or
  // before; a reader that has closed its end of a pipe has seen what it wanted, and is no error.
  void finish();

 protected:
  int_type overflow(int_type c) override;
  int sync() override;

 private:
  std::vector<char> bytes_;
  std::streambuf* before_;
  int error_ = 0;  // errno of the first write that failed
};

}  // namespace polyscene
