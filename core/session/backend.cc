#include "core/session/backend.h"

namespace polyscene::core {

std::unique_ptr<Backend> make_backend(const dist::Rank& rank, const Graph& graph, uint64_t seed) {
  if (const auto* on = std::get_if<dist::OnDevice>(&rank.runs_on))
    return make_device_backend(rank.communicator, *on, graph, seed);
  return make_host_backend(rank.communicator, graph, seed);
}

}  // namespace polyscene::core
