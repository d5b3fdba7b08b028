#pragma once

#include <vector>

#include "ops/graph/graph.h"

namespace polyscene::ops {

struct GateAttributes {
  double gamma = 2;   // the largest factor; with 2, p = 0 gives the factor 1
  int64_t group = 1;  // number of consecutive columns of x that share one p
  [[nodiscard]] auto fields() const { return std::tuple{Field{"gamma", gamma}, Field{"group", group}}; }
};

// G * [x_1 | x_2 ...] with G = gamma * sigmoid(p), in the same parts [B, D_k]; p [B, sum of D_k / group], and each p
// covers `group` consecutive columns of one part. Gradient: dx = G dy, dp = sum over the group of dy x G (1 - G /
// gamma). Throws InvalidArgument if types differ, group < 1, gamma <= 0 or the numbers of columns do not match.
[[nodiscard]] std::vector<Value> gate(std::vector<Value> parts, Value p, GateAttributes attributes = {});
[[nodiscard]] Value gate(Value x, Value p, GateAttributes attributes = {});

void gate_cpu(const KernelContext& context);
[[gnu::weak]] void gate_gpu(const KernelContext& context);
void gate_backward_cpu(const KernelContext& context);
[[gnu::weak]] void gate_backward_gpu(const KernelContext& context);
extern const OpDefinition kGate, kGateBackward;

}  // namespace polyscene::ops
