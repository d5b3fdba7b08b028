// What a rank says about the collective call it makes. Ranks compare these before any data moves, so that calls that do
// not fit together are an error with words instead of a hang or of wrong numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dist/communicator.h"

namespace polyscene {

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
  DType dtype = DType::kFloat32;     // of reductions
  ReduceOp reduce = ReduceOp::kSum;  // of reductions
  int32_t root = 0;                  // of broadcast
  uint64_t count = 0;                // reductions: elements; ..._v: bytes of an element; others: bytes
  bool operator==(const Call&) const = default;
};

// What ended a world: the first rank to fail, and what it said.
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

// "[dist.all_reduce] rank 2 of 4 waited 30.0 s for <what> all_reduce(100 x float32, sum); ...what to try", where nobody
// knows which ranks are missing.
[[nodiscard]] std::string describe_timeout(const Call& call, int rank, int size, double seconds, std::string_view what);

// What a rank says when it stops because another one failed.
[[nodiscard]] std::string describe_peer_failure(Collective collective, int rank, int size, const Failure& failure);

// The text of the error of ranks that make different calls.
[[nodiscard]] std::string describe_mismatch(int rank, int size, const Call& mine, int peer, const Call& theirs);

// The text of the error of two ranks whose counts do not fit: `sender` has `sent` elements for `receiver`, which wants
// another number.
[[nodiscard]] std::string describe_length_mismatch(const Call& call, int rank, int size, int sender, int receiver,
                                                   int64_t sent, int64_t wanted);

}  // namespace polyscene
