#include "dist/world.h"

#include <numeric>

#include "dist/local/communicator.h"
#include "dist/rank_threads.h"

namespace polyscene::dist {
namespace {

std::shared_ptr<LocalGroup> make_group(const std::shared_ptr<LocalWorld>& world, int ranks,
                                       CommunicatorOptions options) {
  std::vector<int> world_ranks(ranks);
  std::iota(world_ranks.begin(), world_ranks.end(), 0);
  return std::make_shared<LocalGroup>(world, std::move(world_ranks), options);
}

}  // namespace

void run_local_ranks(int ranks, const std::function<void(Communicator&)>& body, CommunicatorOptions options) {
  require(ranks >= 1, "[dist.run_local_ranks] wanted at least 1 rank, got ", ranks);
  const auto world = std::make_shared<LocalWorld>();
  const std::shared_ptr<LocalGroup> group = make_group(world, ranks, options);
  std::vector<std::unique_ptr<Communicator>> communicators;
  for (int rank = 0; rank < ranks; ++rank) communicators.push_back(std::make_unique<LocalCommunicator>(group, rank));
  const std::vector<std::exception_ptr> errors = run_rank_threads(communicators, body);
  rethrow_first(world->failure, 0, errors);
}

std::unique_ptr<Communicator> make_single_world() {
  return std::make_unique<LocalCommunicator>(make_group(std::make_shared<LocalWorld>(), 1, {}), 0);
}

}  // namespace polyscene::dist
