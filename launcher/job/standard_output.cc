#include "launcher/job/standard_output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "ops/base/error.h"

namespace polyscene::launcher {
namespace {

// Waits until standard output is writable: the parent process may have made the pipe non-blocking.
void wait_for_room() {
  pollfd output{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  ::poll(&output, 1, -1);
}

}  // namespace

StandardOutput::StandardOutput() : bytes_(4096), before_(std::cout.rdbuf(this)) {
  setp(bytes_.data(), bytes_.data() + bytes_.size());
}

StandardOutput::~StandardOutput() {
  sync();
  std::cout.rdbuf(before_);
}

int StandardOutput::sync() {
  for (const char* next = pbase(); next < pptr() && error_ == 0;) {
    const ssize_t written = ::write(STDOUT_FILENO, next, pptr() - next);
    if (written >= 0)
      next += written;
    else if (errno == EAGAIN)
      wait_for_room();
    else if (errno != EINTR)
      error_ = errno;
  }
  setp(bytes_.data(), bytes_.data() + bytes_.size());
  return 0;
}

StandardOutput::int_type StandardOutput::overflow(int_type c) {
  sync();
  return traits_type::eq_int_type(c, traits_type::eof()) ? traits_type::not_eof(c)
                                                         : sputc(traits_type::to_char_type(c));
}

void StandardOutput::finish() {
  sync();
  require<DataError>(error_ == 0 || error_ == EPIPE,
                     "[launcher] cannot write to standard output: ", std::strerror(error_),
                     "; the output is incomplete: free space, or redirect it");
}

}  // namespace polyscene::launcher
