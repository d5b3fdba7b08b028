#include "dist/call.h"

#include <iomanip>

namespace polyscene::dist {
namespace {

std::string_view name(ReduceOp op) {
  constexpr std::string_view names[] = {"sum", "min", "max"};
  return names[static_cast<int>(op)];
}

// "30.0 s"; keeps enough digits that a deadline of milliseconds does not print as 0.
std::string in_seconds(double seconds) {
  return str(std::fixed, std::setprecision(seconds < 0.1 ? 3 : 1), seconds, " s");
}

}  // namespace

std::string_view name(Collective collective) {
  constexpr std::string_view names[] = {"barrier",        "all_reduce", "all_gather",   "all_gather_v",
                                        "reduce_scatter", "broadcast",  "all_to_all_v", "exchange_counts",
                                        "split",          "leave",      "check",        "connect"};
  return names[static_cast<int>(collective)];
}

std::string describe(const Call& call) {
  const std::string_view called = name(call.collective);
  switch (call.collective) {
    case Collective::kAllReduce:
    case Collective::kReduceScatter:
      return str(called, "(", call.count, " x ", name(call.dtype), ", ", name(call.reduce), ")");
    case Collective::kBroadcast:
      return str(called, "(", call.count, " bytes from rank ", call.root, ")");
    case Collective::kAllGather:
      return str(called, "(", call.count, " bytes)");
    case Collective::kAllGatherV:
    case Collective::kAllToAllV:
      return str(called, "(elements of ", call.count, " bytes)");
    default:
      return str(called, "()");
  }
}

std::string join(std::span<const int> ranks) {
  std::string text;
  for (const int rank : ranks) text += (text.empty() ? "" : ", ") + std::to_string(rank);
  return text;
}

std::string where(Collective collective, int rank, int size) {
  return str("[dist.", name(collective), "] rank ", rank, " of ", size);
}

std::string describe_timeout(Collective collective, int rank, int size, double seconds, std::span<const int> missing) {
  return str(where(collective, rank, size), " waited ", in_seconds(seconds), " for rank",
             missing.size() == 1 ? " " : "s ", join(missing),
             "; look at what they were doing, or raise --deadline if they are only slow");
}

std::string describe_timeout(const Call& call, int rank, int size, double seconds, std::string_view what) {
  return str(where(call.collective, rank, size), " waited ", in_seconds(seconds), " for ", what, " ", describe(call),
             "; look at what the other ranks were doing, or raise --deadline if they are only slow");
}

std::string describe_peer_failure(Collective collective, int rank, int size, const Failure& failure) {
  return str(where(collective, rank, size), " stopped because rank ", failure.world_rank,
             " of the world failed: ", failure.reason);
}

std::string describe_mismatch(int rank, int size, const Call& mine, int peer, const Call& theirs) {
  return str(where(mine.collective, rank, size), " called ", describe(mine), " but rank ", peer, " called ",
             describe(theirs), "; all ranks must make the same calls with the same lengths in the same order");
}

std::string describe_length_mismatch(const Call& call, int rank, int size, int sender, int receiver, int64_t sent,
                                     int64_t wanted) {
  return str(where(call.collective, rank, size), ": rank ", sender, " sends ", sent, " elements but rank ", receiver,
             " wants ", wanted, " from it; send and receive counts must agree pairwise");
}

}  // namespace polyscene::dist
