// The arithmetic of a model, and the peak rate of the processor.
#pragma once

#include <dnnl.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "core/models/model.h"

namespace polyscene::bench {

inline double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// FLOP/s of a large square product: the best of a few runs.
inline double sgemm_peak() {
  const dnnl_dim_t n = 2048;
  std::vector<float> a(n * n, 1.0f), b(n * n, 1.0f), c(n * n);
  double best = 1e30;
  for (int i = 0; i < 5; ++i) {
    const double start = now_s();
    dnnl_sgemm('N', 'N', n, n, n, 1, a.data(), n, b.data(), n, 0, c.data(), n);
    best = std::min(best, now_s() - start);
  }
  return 2.0 * n * n * n / best;
}

// Number of multiplications and additions of one forward pass over a batch.
inline double forward_flops(const config::Experiment& experiment, const core::FeatureSchema& schema, int64_t batch,
                            int64_t behaviours) {
  const core::Model model = build_model(experiment, schema);
  const auto rows = [&](const Value& v) {
    const Dim& d = v.shape()[0];
    return static_cast<double>(d.is_static()                                                      ? d.constant
                               : model.graph->symbols()[static_cast<size_t>(d.symbol)] == "batch" ? batch
                                                                                                  : behaviours);
  };
  double flops = 0;
  for (const Node& node : model.graph->nodes()) {
    // Every part of the input is multiplied with its own rows of w, so the products add up to that of one wide input.
    if (node.op->name == "linear")
      for (const Value& x : node.inputs)
        if (x.shape()[0] == node.outputs[0].shape()[0])
          flops += 2 * rows(x) * static_cast<double>(x.shape()[1].constant) *
                   static_cast<double>(node.outputs[0].shape()[1].constant);
    // rtm: b Wb and u Wo; rtm_distinct: the projection b Wb is a node of its own, counted here per behaviour.
    if (node.op->name == "rtm" || node.op->name == "rtm_distinct") {
      const Value wo = node.op->name == "rtm" ? node.inputs[4] : node.inputs[5];
      flops += 4 * static_cast<double>(behaviours) * static_cast<double>(wo.shape()[0].constant) *
               static_cast<double>(wo.shape()[1].constant);
    }
  }
  return flops;
}

}  // namespace polyscene::bench
