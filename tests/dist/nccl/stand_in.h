// A library with NCCL's C interface whose ranks are threads of one process and whose devices' memory is the host's. It
// is loaded by the product as NCCL would be. It knows non-blocking communicators only: a call is under way until all
// ranks have come, and its work is then done at once. It refuses what NCCL forbids or leaves undefined (a call while
// another is under way or from two threads at once, overlapping buffers, peers and roots that are not there, a group
// that is not open), and what we have promised not to do (messages of no elements, sending to oneself); where ranks
// make different calls, which hangs NCCL, it fails on all of them. Tests steer it and look inside by these functions.
#pragma once

extern "C" {

// Forgets counts and faults.
void nccl_stand_in_reset();
void nccl_stand_in_set_version(int version);

// From its operation number `operation` (1, 2, ...: a collective, or a group of messages) on, rank `rank` of the next
// communicators, -1 for all ranks ...
void nccl_stand_in_fail_at(int rank, int operation);  // ... has an asynchronous error.
void nccl_stand_in_hang_at(int rank, int operation);  // ... takes work to which the device never comes to an end.
// Communicators are never made.
void nccl_stand_in_never_start();
// ncclCommAbort comes back only once this is taken back.
void nccl_stand_in_hold_aborts(bool hold);

// Whether work of a hanging operation is on this stream.
bool nccl_stand_in_hangs(const void* stream);

struct NcclStandInCounts {
  int live, destroyed, aborted;  // communicators
  int reductions, messages;      // ncclAllReduce and ncclReduceScatter; ncclSend
  int refused;                   // calls
};
NcclStandInCounts nccl_stand_in_counts();
}
