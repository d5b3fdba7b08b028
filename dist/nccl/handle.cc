#include "dist/nccl/handle.h"

#include <utility>

namespace polyscene::dist {

NcclHandle::NcclHandle(std::shared_ptr<const NcclLibrary> library, int ranks, const nccl::UniqueId& id, int rank)
    : library_(std::move(library)) {
  nccl::Config config{.blocking = 0};
  library_->check(library_->comm_init_rank_config(&comm_, ranks, id, rank, &config), "ncclCommInitRankConfig");
}

std::optional<nccl::Result> NcclHandle::state() {
  return call([](const NcclLibrary& library, nccl::Comm* comm) {
    nccl::Result state = nccl::Result::kSuccess;
    const nccl::Result asked = library.comm_get_async_error(comm, &state);
    return asked == nccl::Result::kSuccess ? state : asked;
  });
}

std::string NcclHandle::describe(nccl::Result result) {
  const std::lock_guard lock(mutex_);
  return library_->describe(result, comm_);
}

nccl::Comm* NcclHandle::take() noexcept {
  const std::lock_guard lock(mutex_);
  return std::exchange(comm_, nullptr);
}

// Runs without the lock: no other thread has the communicator any more, and none may wait for this call.
void NcclHandle::abort() noexcept {
  if (nccl::Comm* const comm = take()) library_->comm_abort(comm);
}

void NcclHandle::destroy() noexcept {
  if (nccl::Comm* const comm = take()) library_->comm_destroy(comm);
}

}  // namespace polyscene::dist
