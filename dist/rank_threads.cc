#include "dist/rank_threads.h"

#include <algorithm>
#include <thread>

#include "ops/base/thread.h"

namespace polyscene {
namespace {

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

}  // namespace

std::vector<std::exception_ptr> run_rank_threads(const std::vector<std::unique_ptr<Communicator>>& ranks,
                                                 const std::function<void(Communicator&)>& body) {
  const int threads_per_rank = std::max(1, available_processors() / static_cast<int>(ranks.size()));
  std::vector<std::exception_ptr> errors(ranks.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < ranks.size(); ++i) {
    threads.emplace_back([&, i] {
      set_thread_count(threads_per_rank);
      errors[i] = run_rank(*ranks[i], body);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return errors;
}

void rethrow_first(const std::optional<Failure>& failure, int first_rank,
                   const std::vector<std::exception_ptr>& errors) {
  if (!failure) return;
  const int first = failure->world_rank - first_rank;
  if (first >= 0 && first < static_cast<int>(errors.size()) && errors[static_cast<size_t>(first)]) {
    std::rethrow_exception(errors[static_cast<size_t>(first)]);
  }
  // What the other ranks threw are echoes of it.
  const auto other = std::find_if(errors.begin(), errors.end(), [](const auto& error) { return error != nullptr; });
  if (other != errors.end()) std::rethrow_exception(*other);
  throw CommunicationError(str("[dist.abort] rank ", failure->world_rank, ": ", failure->reason));
}

}  // namespace polyscene
