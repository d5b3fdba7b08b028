// The functions that the product looks for.
#include <algorithm>
#include <cstring>

#include "tests/dist/nccl/stand_in_comm.h"

using polyscene::dist::nccl::Comm;
using polyscene::dist::nccl::Config;
using polyscene::dist::nccl::DataType;
using polyscene::dist::nccl::ReduceOp;
using polyscene::dist::nccl::Result;
using polyscene::dist::nccl::UniqueId;
using namespace polyscene::testing;

using Kind = Operation::Kind;

extern "C" {

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
  return last_error(comm);
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

Result ncclGroupStart() { return start_group(); }

Result ncclGroupEnd() { return end_group(); }
}
