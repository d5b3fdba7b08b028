#include "dist/world.h"

#include <cstdlib>
#include <numeric>

#include "dist/mpi/communicator.h"

namespace polyscene {

bool started_by_mpi() {
  constexpr const char* names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
  for (const char* variable : names) {
    if (std::getenv(variable) != nullptr) return true;
  }
  return false;
}

std::unique_ptr<Communicator> make_mpi_world(CommunicatorOptions options) {
  if (!started_by_mpi()) return make_single_world();
  const std::shared_ptr<Session> session = Session::acquire(options.deadline);
  std::vector<int> ranks(static_cast<size_t>(session->size()));
  std::iota(ranks.begin(), ranks.end(), 0);
  // Context 0 belongs to the session; every world gets one of its own.
  return MpiCommunicator(Channel(session, std::move(ranks), session->rank(), 0, options)).split(0);
}

void run_mpi_rank(const std::function<void(Communicator&)>& body, CommunicatorOptions options) {
  const std::unique_ptr<Communicator> world = make_mpi_world(options);
  try {
    body(*world);
  } catch (const std::exception& error) {
    world->abort(error.what());
    throw;
  } catch (...) {
    world->abort("an exception that is no std::exception");
    throw;
  }
}

}  // namespace polyscene
