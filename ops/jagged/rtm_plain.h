// Residual tailoring in plain loops, directly from the equations; double precision (gradient checks) uses it.
#pragma once

#include "ops/simd/plain_product.h"

namespace polyscene::ops {

// The extents of one call: behaviours, their width, hidden width, samples.
struct RtmShape {
  int64_t rows, width, hidden, batch;
};

// The sample that owns each row: owner[offsets[s]] .. owner[offsets[s+1] - 1] = s.
inline void rtm_owners(const int32_t* offsets, int64_t batch, int32_t* owner) {
  for (int64_t s = 0; s < batch; ++s) std::fill(owner + offsets[s], owner + offsets[s + 1], static_cast<int32_t>(s));
}

// y = b + u wo + co for rows b of width C and u of width H; b(i) points to row i.
template <class T, class Row>
void plain_residual(const RtmShape& e, Row b, const T* u, const T* wo, const T* co, T* y) {
  for (int64_t i = 0; i < e.rows; ++i)
    for (int64_t j = 0; j < e.width; ++j) y[i * e.width + j] = b(i)[j] + co[j];
  plain_product<T>(strided(u, e.hidden), strided(wo, e.width), strided(y, e.width), e.rows, e.hidden, e.width);
}

// q = (g wo^T + gu) 1[u > 0], gu nullptr for none; dwo = u^T g, dco = sum of g, drow_bias[s] = sum of the sample's q.
// The caller sets the last three to zero.
template <class T>
void plain_tail_backward(const RtmShape& e, const int32_t* offsets, const T* u, const T* wo, const T* g, const T* gu,
                         T* q, T* dwo, T* dco, T* drow_bias) {
  const int64_t elements = e.rows * e.hidden;
  gu == nullptr ? std::fill_n(q, elements, T{0}) : std::copy_n(gu, elements, q);
  plain_product<T>(strided(g, e.width), strided(wo, e.width, true), strided(q, e.hidden), e.rows, e.width, e.hidden);
  for (int64_t i = 0; i < elements; ++i)
    if (!(u[i] > T{0})) q[i] = T{0};
  plain_product<T>(strided(u, e.hidden, true), strided(g, e.width), strided(dwo, e.width), e.hidden, e.rows, e.width);
  for (int64_t i = 0; i < e.rows; ++i)
    for (int64_t j = 0; j < e.width; ++j) dco[j] += g[i * e.width + j];
  for (int64_t s = 0; s < e.batch; ++s)
    for (int64_t i = offsets[s]; i < offsets[s + 1]; ++i)
      for (int64_t j = 0; j < e.hidden; ++j) drow_bias[s * e.hidden + j] += q[i * e.hidden + j];
}

}  // namespace polyscene::ops
