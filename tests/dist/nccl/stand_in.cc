#include "tests/dist/nccl/stand_in.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "dist/nccl/abi.h"
#include "tests/dist/nccl/stand_in_clique.h"

using polyscene::nccl::Comm;
using polyscene::nccl::Config;
using polyscene::nccl::DataType;
using polyscene::nccl::ReduceOp;
using polyscene::nccl::Result;
using polyscene::nccl::UniqueId;
using polyscene::testing::Clique;
using polyscene::testing::Operation;

namespace {

using Kind = Operation::Kind;

struct Fault {
  int rank, operation;
  bool hang;
  [[nodiscard]] bool strikes(int at_rank, int at_operation) const {
    return (rank == -1 || rank == at_rank) && at_operation >= operation;
  }
};

struct StandIn {
  std::mutex mutex;
  std::condition_variable aborts;
  std::map<long, std::shared_ptr<Clique>> cliques;
  std::vector<Comm*> live;
  std::vector<Fault> faults;
  NcclStandInCounts counts{};
  int version = 22809;
  long last_id = 0;
  bool never_start = false, hold_aborts = false;
};

StandIn& stand_in() {
  static StandIn all;
  return all;
}

struct Group {
  int depth = 0;
  std::vector<Operation> operations;
  Comm* comm = nullptr;
};
thread_local Group the_group;
thread_local std::string the_error;

}  // namespace

// One rank's part of a clique.
struct polyscene::nccl::Comm {
  std::shared_ptr<Clique> clique;
  int rank;
  int operations = 0;
  Result state = Result::kInProgress;
  std::string error = {};
  const void* hanging_stream = nullptr;
  bool finalized = false;
  std::atomic<bool> in_use = false;
};

namespace {

Result refuse(Comm* comm, const std::string& why, Result result = Result::kInvalidUsage) {
  ++stand_in().counts.refused;
  the_error = why;
  if (comm != nullptr) comm->state = result, comm->error = why;
  return result;
}

// Of a call with a communicator. Two at once are one too many, whatever they are.
class Use {
 public:
  explicit Use(Comm* comm) : comm_(comm), alone_(!comm->in_use.exchange(true)), lock_(stand_in().mutex) {}
  ~Use() {
    if (alone_ && comm_ != nullptr) comm_->in_use = false;
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  [[nodiscard]] bool alone() const { return alone_; }
  void gone() { comm_ = nullptr; }

 private:
  Comm* comm_;
  bool alone_;
  std::lock_guard<std::mutex> lock_;
};

// What the clique has come to is what its members' calls have.
void settle(Clique& clique) {
  for (Comm* const each : stand_in().live) {
    if (each->clique.get() != &clique || each->state != Result::kInProgress) continue;
    if (!clique.error().empty())
      refuse(each, clique.error());
    else if (clique.done(each->rank))
      each->state = Result::kSuccess;
  }
}

Result post(Comm* comm, std::vector<Operation> operations) {
  ++comm->operations;
  for (const Fault& fault : stand_in().faults) {
    if (!fault.strikes(comm->rank, comm->operations)) continue;
    if (fault.hang) comm->hanging_stream = operations.front().stream;
    if (!fault.hang) comm->state = Result::kRemoteError, comm->error = "a fault that was asked for";
    return Result::kSuccess;
  }
  comm->state = Result::kInProgress;
  comm->clique->post(comm->rank, std::move(operations));
  settle(*comm->clique);
  return comm->state;
}

Result enqueue(Comm* comm, const Operation& operation) {
  const Use use(comm);
  if (!use.alone()) return refuse(comm, "two threads call with one communicator");
  if (comm->state == Result::kInProgress) return refuse(comm, "a call before the one before it was through");
  if (comm->state != Result::kSuccess) return comm->state;
  const std::string wrong = comm->clique->objection(operation, comm->rank);
  if (!wrong.empty()) return refuse(comm, wrong, Result::kInvalidArgument);
  NcclStandInCounts& counts = stand_in().counts;
  if (operation.kind == Kind::kAllReduce || operation.kind == Kind::kReduceScatter) ++counts.reductions;
  if (operation.kind == Kind::kSend) ++counts.messages;
  if (the_group.depth == 0) return post(comm, {operation});
  if (the_group.comm != nullptr && the_group.comm != comm) return refuse(comm, "two communicators in one group");
  the_group.comm = comm;
  the_group.operations.push_back(operation);
  return Result::kSuccess;
}

}  // namespace

extern "C" {

void nccl_stand_in_reset() {
  const std::lock_guard lock(stand_in().mutex);
  const int live = stand_in().counts.live;
  stand_in().counts = {};
  stand_in().counts.live = live;
  stand_in().faults.clear();
  stand_in().version = 22809;
  stand_in().never_start = false;
}

void nccl_stand_in_set_version(int version) { stand_in().version = version; }

void nccl_stand_in_fail_at(int rank, int operation) {
  const std::lock_guard lock(stand_in().mutex);
  stand_in().faults.push_back({rank, operation, false});
}

void nccl_stand_in_hang_at(int rank, int operation) {
  const std::lock_guard lock(stand_in().mutex);
  stand_in().faults.push_back({rank, operation, true});
}

void nccl_stand_in_never_start() {
  const std::lock_guard lock(stand_in().mutex);
  stand_in().never_start = true;
}

void nccl_stand_in_hold_aborts(bool hold) {
  const std::lock_guard lock(stand_in().mutex);
  stand_in().hold_aborts = hold;
  stand_in().aborts.notify_all();
}

bool nccl_stand_in_hangs(const void* stream) {
  const std::lock_guard lock(stand_in().mutex);
  return std::ranges::any_of(stand_in().live, [&](const Comm* comm) { return comm->hanging_stream == stream; });
}

NcclStandInCounts nccl_stand_in_counts() {
  const std::lock_guard lock(stand_in().mutex);
  return stand_in().counts;
}

Result ncclGetVersion(int* version) {
  *version = stand_in().version;
  return Result::kSuccess;
}

Result ncclGetUniqueId(UniqueId* id) {
  const std::lock_guard lock(stand_in().mutex);
  const long number = ++stand_in().last_id;
  std::memset(id->bytes, 0x5a, sizeof(id->bytes));
  std::memcpy(id->bytes + sizeof(id->bytes) - sizeof(number), &number, sizeof(number));
  return Result::kSuccess;
}

Result ncclCommInitRankConfig(Comm** comm, int ranks, UniqueId id, int rank, Config* config) {
  const std::lock_guard lock(stand_in().mutex);
  if (config == nullptr || config->magic != 0xcafebeef || config->size < sizeof(Config) || config->blocking != 0)
    return refuse(nullptr, "not the configuration of a non-blocking communicator", Result::kInvalidArgument);
  long number = 0;
  std::memcpy(&number, id.bytes + sizeof(id.bytes) - sizeof(number), sizeof(number));
  auto& clique = stand_in().cliques[number];
  if (!clique) clique = std::make_shared<Clique>(ranks);
  if (number <= 0 || number > stand_in().last_id || !clique->join(ranks, rank))
    return refuse(nullptr, "an id of nobody, or ranks that do not fit", Result::kInvalidArgument);
  *comm = new Comm{clique, rank};
  stand_in().live.push_back(*comm);
  ++stand_in().counts.live;
  if (!stand_in().never_start) settle(*clique);
  return Result::kInProgress;
}

Result ncclCommGetAsyncError(Comm* comm, Result* error) {
  const Use use(comm);
  if (!use.alone()) return refuse(comm, "two threads call with one communicator");
  *error = comm->state;
  return Result::kSuccess;
}

Result ncclCommFinalize(Comm* comm) {
  const Use use(comm);
  if (!use.alone() || comm->state != Result::kSuccess) return refuse(comm, "an end in the middle of a call");
  comm->state = Result::kInProgress;
  comm->finalized = true;
  comm->clique->leave(comm->rank);
  settle(*comm->clique);
  return comm->state;
}

Result ncclCommDestroy(Comm* comm) {
  Use use(comm);
  if (!comm->finalized || comm->state != Result::kSuccess) return refuse(comm, "destroyed before it was finalized");
  std::erase(stand_in().live, comm);
  --stand_in().counts.live, ++stand_in().counts.destroyed;
  use.gone();
  delete comm;
  return Result::kSuccess;
}

Result ncclCommAbort(Comm* comm) {
  StandIn& all = stand_in();
  std::unique_lock lock(all.mutex);
  all.aborts.wait(lock, [&] { return !all.hold_aborts; });
  comm->clique->abandon(comm->rank);
  std::erase(all.live, comm);
  --all.counts.live, ++all.counts.aborted;
  delete comm;
  return Result::kSuccess;
}

const char* ncclGetErrorString(Result result) {
  constexpr const char* texts[] = {"no error",     "cuda error",    "system error",       "internal error",
                                   "bad argument", "invalid usage", "remote rank failed", "in progress"};
  return texts[static_cast<int>(result)];
}

const char* ncclGetLastError(Comm* comm) {
  const std::lock_guard lock(stand_in().mutex);
  if (comm != nullptr) the_error = comm->error;
  return the_error.c_str();
}

Result ncclAllReduce(const void* from, void* to, size_t count, DataType type, ReduceOp op, Comm* comm, void* stream) {
  return enqueue(comm, {Kind::kAllReduce, from, to, count, type, op, 0, stream});
}

Result ncclReduceScatter(const void* from, void* to, size_t count, DataType type, ReduceOp op, Comm* comm,
                         void* stream) {
  return enqueue(comm, {Kind::kReduceScatter, from, to, count, type, op, 0, stream});
}

Result ncclAllGather(const void* from, void* to, size_t count, DataType type, Comm* comm, void* stream) {
  return enqueue(comm, {Kind::kAllGather, from, to, count, type, ReduceOp::kSum, 0, stream});
}

Result ncclBroadcast(const void* from, void* to, size_t count, DataType type, int root, Comm* comm, void* stream) {
  return enqueue(comm, {Kind::kBroadcast, from, to, count, type, ReduceOp::kSum, root, stream});
}

Result ncclSend(const void* from, size_t count, DataType type, int peer, Comm* comm, void* stream) {
  return enqueue(comm, {Kind::kSend, from, nullptr, count, type, ReduceOp::kSum, peer, stream});
}

Result ncclRecv(void* to, size_t count, DataType type, int peer, Comm* comm, void* stream) {
  return enqueue(comm, {Kind::kRecv, nullptr, to, count, type, ReduceOp::kSum, peer, stream});
}

Result ncclGroupStart() {
  ++the_group.depth;
  return Result::kSuccess;
}

Result ncclGroupEnd() {
  if (the_group.depth == 0) {
    const std::lock_guard lock(stand_in().mutex);
    return refuse(nullptr, "the end of a group that is not open");
  }
  if (--the_group.depth > 0 || the_group.operations.empty()) return Result::kSuccess;
  Comm* const comm = std::exchange(the_group.comm, nullptr);
  const Use use(comm);
  const std::vector<Operation> operations = std::exchange(the_group.operations, {});
  if (!use.alone()) return refuse(comm, "two threads call with one communicator");
  if (comm->state != Result::kSuccess) return comm->state;
  return post(comm, operations);
}
}
