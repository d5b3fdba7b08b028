#include "tests/dist/nccl/stand_in_comm.h"

#include <utility>

namespace polyscene::testing {
namespace {

struct Group {
  int depth = 0;
  std::vector<Operation> operations;
  Comm* comm = nullptr;
};
thread_local Group the_group;
thread_local std::string the_error;

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

}  // namespace

StandIn& stand_in() {
  static StandIn all;
  return all;
}

Result refuse(Comm* comm, const std::string& why, Result result) {
  ++stand_in().counts.refused;
  the_error = why;
  if (comm != nullptr) comm->state = result, comm->error = why;
  return result;
}

const char* last_error(const Comm* comm) {
  if (comm != nullptr) the_error = comm->error;
  return the_error.c_str();
}

void settle(Clique& clique) {
  for (dist::nccl::Comm* const each : stand_in().live) {
    if (each->clique.get() != &clique || each->state != Result::kInProgress) continue;
    if (!clique.error().empty())
      refuse(each, clique.error());
    else if (clique.done(each->rank))
      each->state = Result::kSuccess;
  }
}

Result enqueue(Comm* comm, const Operation& operation) {
  const Use use(comm);
  if (!use.alone()) return refuse(comm, "two threads call with one communicator");
  if (comm->state == Result::kInProgress) return refuse(comm, "a call before the one before it was through");
  if (comm->state != Result::kSuccess) return comm->state;
  const std::string wrong = comm->clique->objection(operation, comm->rank);
  if (!wrong.empty()) return refuse(comm, wrong, Result::kInvalidArgument);
  NcclStandInCounts& counts = stand_in().counts;
  if (operation.kind == Operation::Kind::kAllReduce || operation.kind == Operation::Kind::kReduceScatter)
    ++counts.reductions;
  if (operation.kind == Operation::Kind::kSend) ++counts.messages;
  if (the_group.depth == 0) return post(comm, {operation});
  if (the_group.comm != nullptr && the_group.comm != comm) return refuse(comm, "two communicators in one group");
  the_group.comm = comm;
  the_group.operations.push_back(operation);
  return Result::kSuccess;
}

Result start_group() {
  ++the_group.depth;
  return Result::kSuccess;
}

Result end_group() {
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

}  // namespace polyscene::testing
