// The description of a collective call. Ranks compare their descriptions before any data moves, so that mismatched
// calls give an error message instead of a hang or wrong numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dist/communicator.h"

namespace polyscene::dist {

enum class Collective : uint8_t {
  kBarrier,
  kAllReduce,
  kAllGather,
  kAllGatherV,
  kReduceScatter,
  kBroadcast,
  kAllToAllV,
  kExchangeCounts,
  kSplit,
  kLeave,
  kCheck,
  kConnect
};

[[nodiscard]] std::string_view name(Collective collective);

// Trivially copyable: the mpi implementation sends it as bytes.
struct Call {
  Collective collective = Collective::kBarrier;
  DType dtype = DType::kFloat32;     // reductions only
  ReduceOp reduce = ReduceOp::kSum;  // reductions only
  int32_t root = 0;                  // broadcast only
  uint64_t count = 0;                // reductions: elements; ..._v: bytes per element; others: bytes
  bool operator==(const Call&) const = default;
};

// The failure that ended a world: the first rank to fail, and its error message.
struct Failure {
  int world_rank = 0;
  std::string reason = {};
};

// For example "all_reduce(100 x float32, sum)".
[[nodiscard]] std::string describe(const Call& call);

// "1, 3".
[[nodiscard]] std::string join(std::span<const int> ranks);

// The start of every message: "[dist.all_reduce] rank 2 of 4".
[[nodiscard]] std::string where(Collective collective, int rank, int size);

// "[dist.all_reduce] rank 2 of 4 waited 30.0 s for ranks 1, 3; ...what to try".
[[nodiscard]] std::string describe_timeout(Collective collective, int rank, int size, double seconds,
                                           std::span<const int> missing);

// "[dist.all_reduce] rank 2 of 4 waited 30.0 s for <what> all_reduce(100 x float32, sum); ...what to try". Used if the
// missing ranks are not known.
[[nodiscard]] std::string describe_timeout(const Call& call, int rank, int size, double seconds, std::string_view what);

// The error message of a rank that stops because another one failed.
[[nodiscard]] std::string describe_peer_failure(Collective collective, int rank, int size, const Failure& failure);

// The error message of ranks that make different calls.
[[nodiscard]] std::string describe_mismatch(int rank, int size, const Call& mine, int peer, const Call& theirs);

// The error message of two ranks with different counts: `sender` sends `sent` elements to `receiver`, which wants
// `wanted`.
[[nodiscard]] std::string describe_length_mismatch(const Call& call, int rank, int size, int sender, int receiver,
                                                   int64_t sent, int64_t wanted);

}  // namespace polyscene::dist
