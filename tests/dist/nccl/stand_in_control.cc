#include <algorithm>

#include "tests/dist/nccl/stand_in_comm.h"

using polyscene::dist::nccl::Comm;
using polyscene::testing::stand_in;

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
}
