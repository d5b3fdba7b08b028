#include "core/export/run_command.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "ops/base/error.h"

namespace polyscene::core {
namespace {

// This process blocks signals and ignores SIGPIPE; the started program must not inherit that.
class UsualSignals {
 public:
  UsualSignals() {
    sigset_t none, usual;
    ::sigemptyset(&none);
    ::sigemptyset(&usual);
    ::sigaddset(&usual, SIGPIPE);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &usual);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~UsualSignals() { ::posix_spawnattr_destroy(&attributes_); }
  UsualSignals(const UsualSignals&) = delete;
  UsualSignals& operator=(const UsualSignals&) = delete;
  [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

// The argument is passed as $1, so the shell never parses it.
pid_t start(const std::string& command, const std::string& argument) {
  std::string program = command + " \"$1\"", name = "sh", option = "-c", last = argument;
  const std::array<char*, 6> words = {name.data(), option.data(), program.data(), name.data(), last.data(), nullptr};
  const UsualSignals signals;
  pid_t child = 0;
  const int error = ::posix_spawn(&child, "/bin/sh", nullptr, signals.get(), words.data(), environ);
  require<DataError>(error == 0, "[export] cannot start \"", command, "\": ", std::strerror(error));
  return child;
}

}  // namespace

std::string run_command(const std::string& command, const std::string& argument) {
  const pid_t child = start(command, argument);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    require<DataError>(errno == EINTR, "[export] cannot wait for \"", command, "\": ", std::strerror(errno));
  if (WIFSIGNALED(status)) return str("signal ", WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? "" : str("exit code ", WEXITSTATUS(status));
}

}  // namespace polyscene::core
