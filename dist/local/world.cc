#include "dist/world.h"

#include <algorithm>
#include <exception>
#include <numeric>
#include <thread>

#include "dist/local/communicator.h"
#include "ops/base/thread.h"

namespace polyscene {
namespace {

std::shared_ptr<LocalGroup> make_group(const std::shared_ptr<LocalWorld>& world, int ranks,
                                       CommunicatorOptions options) {
  std::vector<int> world_ranks(static_cast<size_t>(ranks));
  std::iota(world_ranks.begin(), world_ranks.end(), 0);
  return std::make_shared<LocalGroup>(world, std::move(world_ranks), options);
}

// Runs the body of one rank; a throw ends the waits of the others.
std::exception_ptr run_rank(Communicator& communicator, const std::function<void(Communicator&)>& body) {
  try {
    body(communicator);
    return nullptr;
  } catch (const std::exception& error) {
    communicator.abort(error.what());
    return std::current_exception();
  } catch (...) {
    communicator.abort("an exception that is no std::exception");
    return std::current_exception();
  }
}

// The failure recorded first is the cause; what the other ranks threw are its echoes.
void rethrow_first(const LocalWorld& world, const std::vector<std::exception_ptr>& errors) {
  if (!world.failure) return;
  const auto first = errors.begin() + world.failure->world_rank;
  if (*first) std::rethrow_exception(*first);
  const auto other = std::find_if(errors.begin(), errors.end(), [](const auto& error) { return error != nullptr; });
  if (other != errors.end()) std::rethrow_exception(*other);
  throw CommunicationError(str("[dist.abort] rank ", world.failure->world_rank, ": ", world.failure->reason));
}

}  // namespace

void run_local_ranks(int ranks, const std::function<void(Communicator&)>& body, CommunicatorOptions options) {
  require(ranks >= 1, "[dist.run_local_ranks] wanted at least 1 rank, got ", ranks);
  const auto world = std::make_shared<LocalWorld>();
  const std::shared_ptr<LocalGroup> group = make_group(world, ranks, options);
  const int threads_per_rank = std::max(1, available_processors() / ranks);
  std::vector<std::exception_ptr> errors(static_cast<size_t>(ranks));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      set_thread_count(threads_per_rank);
      LocalCommunicator communicator(group, rank);
      errors[static_cast<size_t>(rank)] = run_rank(communicator, body);
    });
  }
  for (std::thread& thread : threads) thread.join();
  rethrow_first(*world, errors);
}

std::unique_ptr<Communicator> make_single_world() {
  return std::make_unique<LocalCommunicator>(make_group(std::make_shared<LocalWorld>(), 1, {}), 0);
}

}  // namespace polyscene
