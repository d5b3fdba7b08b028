#include "dist/rank_threads.h"

#include <algorithm>

#include "ops/base/thread.h"

namespace polyscene::dist {
namespace {

std::exception_ptr run_rank(Communicator& communicator, const std::function<void(Communicator&)>& body) {
  try {
    body(communicator);
    return nullptr;
  } catch (const std::exception& error) {
    communicator.abort(error.what());
    return std::current_exception();
  } catch (...) {
    communicator.abort("an exception that is not a std::exception");
    return std::current_exception();
  }
}

}  // namespace

std::vector<std::exception_ptr> run_rank_threads(const std::vector<std::unique_ptr<Communicator>>& ranks,
                                                 const std::function<void(Communicator&)>& body) {
  const int threads_per_rank = std::max(1, available_processors() / static_cast<int>(ranks.size()));
  std::vector<std::exception_ptr> errors(ranks.size());
  {
    ThreadGroup threads;
    const auto start = [&](size_t i) {
      threads.start([&, i] {
        set_thread_count(threads_per_rank);
        errors[i] = run_rank(*ranks[i], body);
      });
    };
    // A rank whose thread cannot be started counts as failed, so that the others do not wait for it.
    std::exception_ptr failure;
    for (size_t i = 0; i < ranks.size() && !failure; ++i)
      if ((failure = run_rank(*ranks[i], [&](Communicator&) { start(i); }))) errors[i] = failure;
  }
  return errors;
}

void rethrow_first(const std::optional<Failure>& failure, int first_rank,
                   const std::vector<std::exception_ptr>& errors) {
  if (!failure) return;
  const int first = failure->world_rank - first_rank;
  if (first >= 0 && first < static_cast<int>(errors.size()) && errors[first]) {
    std::rethrow_exception(errors[first]);
  }
  // What the other ranks threw is a consequence of the first failure.
  const auto other = std::find_if(errors.begin(), errors.end(), [](const auto& error) { return error != nullptr; });
  if (other != errors.end()) std::rethrow_exception(*other);
  throw CommunicationError(str("[dist.abort] rank ", failure->world_rank, ": ", failure->reason));
}

}  // namespace polyscene::dist
