// Pooling and residual tailoring in plain loops in double, straight from their equations, beside which the kernels are
// tested. Matrices are row-major.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/tensor/tensor.h"

namespace polyscene::testing {

using Doubles = std::vector<double>;

[[nodiscard]] inline Doubles doubles_of(const Tensor& t) {
  const auto x = t.elements<float>();
  return {x.begin(), x.end()};
}

[[nodiscard]] inline Doubles product_of(const Doubles& a, const Doubles& b, size_t rows, size_t inner, size_t cols) {
  Doubles y(rows * cols);
  for (size_t i = 0; i < rows; ++i)
    for (size_t k = 0; k < inner; ++k)
      for (size_t j = 0; j < cols; ++j) y[i * cols + j] += a[i * inner + k] * b[k * cols + j];
  return y;
}

[[nodiscard]] inline Doubles transposed(const Doubles& a, size_t rows, size_t cols) {
  Doubles t(a.size());
  for (size_t i = 0; i < rows; ++i)
    for (size_t j = 0; j < cols; ++j) t[j * rows + i] = a[i * cols + j];
  return t;
}

struct Tailoring {
  size_t rows, width, hidden;
  std::vector<size_t> owner;  // [rows]: the sample of each behaviour
  size_t batch;
};

struct Tailored {
  Doubles u, y;
};

// u = relu(b wb + row_bias[owner]), y = b + u wo + co.
[[nodiscard]] inline Tailored tailor(const Tailoring& t, const Doubles& b, const Doubles& row_bias, const Doubles& wb,
                                     const Doubles& wo, const Doubles& co) {
  Tailored r{product_of(b, wb, t.rows, t.width, t.hidden), {}};
  for (size_t i = 0; i < r.u.size(); ++i)
    r.u[i] = std::max(0.0, r.u[i] + row_bias[t.owner[i / t.hidden] * t.hidden + i % t.hidden]);
  r.y = product_of(r.u, wo, t.rows, t.hidden, t.width);
  for (size_t i = 0; i < r.y.size(); ++i) r.y[i] += b[i] + co[i % t.width];
  return r;
}

struct TailoringGradients {
  Doubles q, db, drow_bias, dwb, dwo, dco;
};

[[nodiscard]] inline TailoringGradients tailor_backward(const Tailoring& t, const Doubles& b, const Doubles& u,
                                                        const Doubles& wb, const Doubles& wo, const Doubles& g) {
  TailoringGradients r;
  r.q = product_of(g, transposed(wo, t.hidden, t.width), t.rows, t.width, t.hidden);
  for (size_t i = 0; i < r.q.size(); ++i)
    if (!(u[i] > 0)) r.q[i] = 0;
  r.db = product_of(r.q, transposed(wb, t.width, t.hidden), t.rows, t.hidden, t.width);
  for (size_t i = 0; i < r.db.size(); ++i) r.db[i] += g[i];
  r.drow_bias.resize(t.batch * t.hidden);
  for (size_t i = 0; i < r.q.size(); ++i) r.drow_bias[t.owner[i / t.hidden] * t.hidden + i % t.hidden] += r.q[i];
  r.dwb = product_of(transposed(b, t.rows, t.width), r.q, t.width, t.rows, t.hidden);
  r.dwo = product_of(transposed(u, t.rows, t.hidden), g, t.hidden, t.rows, t.width);
  r.dco.resize(t.width);
  for (size_t i = 0; i < g.size(); ++i) r.dco[i % t.width] += g[i];
  return r;
}

}  // namespace polyscene::testing
