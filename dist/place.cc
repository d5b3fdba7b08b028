#include "dist/place.h"

#include <unistd.h>

#include <array>

namespace polyscene::dist {

std::string started_rank(const Communicator& communicator) {
  return communicator.processes() == 1 ? "" : str("rank ", communicator.process());
}

std::string started_place(const Communicator& communicator) {
  if (communicator.processes() == 1) return "";
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return str(started_rank(communicator), " on host ", host.data());
}

}  // namespace polyscene::dist
