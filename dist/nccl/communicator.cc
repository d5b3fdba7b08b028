#include "dist/nccl/communicator.h"

#include <algorithm>
#include <exception>
#include <thread>

namespace polyscene::dist {

// Interval of polling for NCCL's background work: the first calls between ranks connect them.
constexpr std::chrono::microseconds kPollPeriod(50);

NcclCommunicator::NcclCommunicator(std::shared_ptr<Communicator> host, Shared shared)
    : Communicator(host->rank(), host->size()),
      host_(std::move(host)),
      shared_(std::move(shared)),
      exceptions_at_start_(std::uncaught_exceptions()) {
  if (size() > 1) connect();
}

NcclCommunicator::~NcclCommunicator() {
  if (handle_) watch().give_up(handle_, std::uncaught_exceptions() == exceptions_at_start_);
}

void NcclCommunicator::connect() {
  const Call call{.collective = Collective::kConnect};
  nccl::UniqueId id{};
  if (rank() == 0) shared_.library->check(shared_.library->get_unique_id(&id), "ncclGetUniqueId");
  on_host().broadcast(&id, sizeof(id), 0);
  (void)device().stream();  // NCCL uses the thread's current device
  handle_ = std::make_shared<NcclHandle>(shared_.library, size(), id, rank());
  watch().add(handle_);
  queue(call, [](const NcclLibrary&, nccl::Comm*) { return nccl::Result::kInProgress; });
}

void NcclCommunicator::fail(const std::string& message) {
  watch().fail(message);
  watch().check();  // throws the first failure
  throw CommunicationError(message);
}

void NcclCommunicator::queue(const Call& call, const Question& ask) {
  const NcclHandle::Settling settling(*handle_);
  const auto start = std::chrono::steady_clock::now();
  std::optional<nccl::Result> result = handle_->call(ask);
  while (result == nccl::Result::kInProgress) {
    if (std::chrono::steady_clock::now() - start > shared_.options.deadline)
      fail(describe_timeout(call, rank(), size(), watch().deadline_s(), "NCCL to take"));
    std::this_thread::sleep_for(kPollPeriod);
    result = handle_->state();
  }
  watch().check();
  if (result && *result != nccl::Result::kSuccess)
    fail(str(where(call.collective, rank(), size()), ": NCCL refused ", describe(call), ": ",
             handle_->describe(*result), "; set NCCL_DEBUG=INFO for details"));
}

void NcclCommunicator::run(const Call& call, bool nothing, const std::function<void()>& work,
                           std::span<const int64_t> send_counts, std::span<const int64_t> receive_counts) {
  if (shared_.options.meet_first) on_host().meet(call, send_counts, receive_counts);
  watch().check();
  ++calls_;
  if (nothing) return;
  if (!handle_) return work();
  NcclWatch::Work queued{call, rank(), size(), calls_, device().record(), nullptr};
  work();
  queued.end = device().record();
  watch().expect(handle_, std::move(queued));
}

void NcclCommunicator::exchange(const Call& call, std::span<const Exchange> with) {
  const auto silent = [&](const Exchange& each) { return each.send_bytes + each.receive_bytes == 0; };
  if (std::ranges::all_of(with, silent)) return;
  void* const stream = device().stream().handle;
  queue(call, [&](const NcclLibrary& library, nccl::Comm* comm) {
    nccl::Result worst = library.group_start();
    const auto note = [&](nccl::Result result) {
      if (worst == nccl::Result::kSuccess || worst == nccl::Result::kInProgress) worst = result;
    };
    // Every rank begins with its right neighbour, so that they do not all begin with the same rank.
    for (int step = 1; step < size(); ++step) {
      const int to = (rank() + step) % size(), from = (rank() + size() - step) % size();
      const Exchange &sent = with[to], &received = with[from];
      if (sent.send_bytes > 0) note(library.send(sent.send, sent.send_bytes, nccl::DataType::kUint8, to, comm, stream));
      if (received.receive_bytes > 0)
        note(library.recv(received.receive, received.receive_bytes, nccl::DataType::kUint8, from, comm, stream));
    }
    note(library.group_end());  // called after errors too: the group belongs to the thread, not to the communicator
    return worst;
  });
}

void NcclCommunicator::barrier() { host_->barrier(); }

void NcclCommunicator::check() {
  watch().check();
  host_->check();
}

void NcclCommunicator::do_meet(const Call& call, std::span<const int64_t> send_counts,
                               std::span<const int64_t> receive_counts) {
  on_host().meet(call, send_counts, receive_counts);
}

// NCCL's own split keeps resources of the parent in use and is one more call that can fail; splits are rare.
std::unique_ptr<Communicator> NcclCommunicator::split(int color) {
  return std::make_unique<NcclCommunicator>(host_->split(color), shared_);
}

void NcclCommunicator::do_all_gather_v(const void* input, size_t count, size_t element_bytes,
                                       const std::function<void*(size_t elements)>& allocate) {
  watch().check();
  on_host().all_gather_v(input, count, element_bytes, allocate);
}

std::vector<int64_t> NcclCommunicator::do_exchange_counts(std::span<const int64_t> counts) {
  watch().check();
  return on_host().exchange_counts(counts);
}

std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host, Device& device, const NcclOptions& options) {
  NcclCommunicator::Shared shared{NcclLibrary::load(options.library), device, options,
                                  std::make_shared<NcclWatch>(host, device, options.deadline)};
  return std::make_unique<NcclCommunicator>(std::shared_ptr<Communicator>(&host, [](Communicator*) {}),
                                            std::move(shared));
}

}  // namespace polyscene::dist
