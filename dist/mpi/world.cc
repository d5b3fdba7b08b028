#include "dist/world.h"

#include <cstdlib>

#include "dist/mpi/communicator.h"
#include "dist/rank_threads.h"

namespace polyscene::dist {

bool started_by_mpi() {
  constexpr const char* names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
  for (const char* variable : names) {
    if (std::getenv(variable) != nullptr) return true;
  }
  return false;
}

std::unique_ptr<Communicator> make_mpi_world(CommunicatorOptions options) {
  if (!started_by_mpi()) return make_single_world();
  return make_processes(MpiSession::acquire(options.deadline), options);
}

int reporting_rank(const std::string& error) noexcept {
  return started_by_mpi() ? MpiSession::reporting_rank(error) : 0;
}

void run_mpi_rank(const std::function<void(Communicator&)>& body, CommunicatorOptions options) {
  const std::unique_ptr<Communicator> world = make_mpi_world(options);
  try {
    body(*world);
  } catch (const std::exception& error) {
    world->abort(error.what());
    throw;
  } catch (...) {
    world->abort("an exception that is not a std::exception");
    throw;
  }
}

void run_mpi_ranks(int ranks, const std::function<void(Communicator&)>& body, CommunicatorOptions options) {
  if (!started_by_mpi()) return run_local_ranks(ranks, body, options);
  const std::shared_ptr<MpiSession> session = MpiSession::acquire(options.deadline);
  if (session->size() == 1) return run_local_ranks(ranks, body, options);  // ranks of one process need no messages
  const std::vector<std::unique_ptr<Communicator>> hosted = host_ranks(session, ranks, options);
  const std::vector<std::exception_ptr> errors = run_rank_threads(hosted, body);
  const auto failure = session->failure();
  rethrow_first(failure ? std::optional(*failure) : std::nullopt, hosted.front()->rank(), errors);
}

}  // namespace polyscene::dist
