// The instructions that kernels run on, chosen by a test.
#pragma once

#include <cstdint>
#include <ostream>

#include "ops/simd/bf16_unit.h"
#include "ops/simd/targets.h"

// Last: it needs what targets.h says.
#include "hwy/highway.h"

namespace polyscene::testing {

struct Machine {
  const char* name;
  int64_t targets;     // of Highway; 0 for the best that this machine has
  ops::Bf16Unit unit;  // at most
  friend std::ostream& operator<<(std::ostream& out, const Machine& m) { return out << m.name; }
};

inline constexpr Machine kBest = {"best", 0, ops::Bf16Unit::kTiles};
inline constexpr Machine kAvx2 = {"avx2", HWY_AVX2, ops::Bf16Unit::kRounding};
// All ways to multiply bfloat16 numbers.
inline constexpr Machine kBf16Machines[] = {{"tiles", 0, ops::Bf16Unit::kTiles},
                                            {"pairs", 0, ops::Bf16Unit::kPairs},
                                            {"rounding", 0, ops::Bf16Unit::kRounding},
                                            kAvx2};

// While it lives, kernels run on what `machine` says.
class RunsOn {
 public:
  explicit RunsOn(const Machine& machine) {
    choose(machine.targets, machine.unit);
    missing_ = ops::bf16_unit() != machine.unit;
  }
  ~RunsOn() { choose(0, ops::Bf16Unit::kTiles); }
  RunsOn(const RunsOn&) = delete;
  RunsOn& operator=(const RunsOn&) = delete;
  // This processor does not have the unit, or the system refuses it.
  [[nodiscard]] bool unit_is_missing() const { return missing_; }

 private:
  static void choose(int64_t targets, ops::Bf16Unit unit) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    ops::limit_bf16_unit_for_test(unit);
  }
  bool missing_;
};

}  // namespace polyscene::testing
