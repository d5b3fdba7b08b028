#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

enum class DapKind : uint8_t { kMeanStd, kMeanVariance, kMean };
std::ostream& operator<<(std::ostream& out, DapKind kind);

struct DapAttributes {
  DapKind kind = DapKind::kMeanStd;
  double eps = 1e-6;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"kind", kind}, Field{"eps", eps}}; }
};

// The type of the pooled rows of `values` [T, C] with offsets [B + 1]. Throws InvalidArgument unless eps > 0.
[[nodiscard]] ValueType pooled_type(const ValueType& values, const ValueType& offsets, const DapAttributes& pooling,
                                    std::string_view op);

// Distribution-aware pooling of jagged rows: values [T, C], int32 offsets [B + 1]; sample s owns rows offsets[s] ..
// offsets[s+1]. The result is [mu; sigma] [B, 2C], [mu; variance] [B, 2C] or mu [B, C], where mu and variance are those
// of the sample's rows (N in the denominator) and sigma = sqrt(max(0, variance) + eps). An empty sample gives mu = 0,
// variance = 0. Gradient of a row b: g_mu / N + g_sigma (b - mu) / (N sigma), and 2 g_variance (b - mu) / N. Throws
// InvalidArgument on wrong ranks or types, or if eps is not positive.
[[nodiscard]] Value dap(Value values, Value offsets, const DapAttributes& pooling = {});

// The same for the rows distinct[index], distinct [V, C] and index int32 [T] with entries in [0, V), without writing
// those rows; the gradients of equal rows are summed in the order of the index.
[[nodiscard]] Value dap_distinct(Value distinct, Value index, Value offsets, const DapAttributes& pooling = {});

// Both builders make this op; its last input is the index, if any.
void dap_cpu(const KernelContext& context);
[[gnu::weak]] void dap_gpu(const KernelContext& context);
void dap_backward_cpu(const KernelContext& context);
[[gnu::weak]] void dap_backward_gpu(const KernelContext& context);
extern const OpDefinition kDap, kDapBackward;

}  // namespace polyscene::ops
