#include "ops/simd/bf16_unit.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

namespace polyscene::ops {
namespace {

// Tiles are 8 KiB of state per thread, which Linux provides only to processes that ask (Documentation/arch/x86/xstate).
bool tiles_permitted() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

Bf16Unit best_unit() {
  if (!__builtin_cpu_supports("avx512bf16")) return Bf16Unit::kRounding;
  const bool tiles = __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16");
  return tiles && tiles_permitted() ? Bf16Unit::kTiles : Bf16Unit::kPairs;
}

std::atomic<Bf16Unit> limit = Bf16Unit::kTiles;

}  // namespace

Bf16Unit bf16_unit() {
  static const Bf16Unit best = best_unit();
  return std::min(best, limit.load(std::memory_order_relaxed));
}

void limit_bf16_unit_for_test(Bf16Unit most) { limit = most; }

}  // namespace polyscene::ops
