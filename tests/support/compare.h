// The only comparator of numbers in tests. A NaN never passes, because the test is "is close", not "is far".
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <string>

#include "ops/tensor/tensor.h"

namespace polyscene::testing {

// |got - want| <= absolute + relative * |want|
struct Tolerance {
  double relative = 0;
  double absolute = 0;
};

// An infinity is close only to itself. A NaN is close to nothing, not even to a NaN.
[[nodiscard]] inline bool close(double got, double want, Tolerance tolerance) {
  if (!std::isfinite(got) || !std::isfinite(want)) return got == want;
  return std::abs(got - want) <= tolerance.absolute + tolerance.relative * std::abs(want);
}

// Whether every element is close to its partner. The failure lists the first few that are not.
template <class A, class B>
[[nodiscard]] ::testing::AssertionResult all_close(std::span<A> got, std::span<B> want, Tolerance tolerance) {
  if (got.size() != want.size())
    return ::testing::AssertionFailure() << "wanted " << want.size() << " elements, got " << got.size();
  size_t wrong = 0;
  std::string examples;
  for (size_t i = 0; i < got.size(); ++i) {
    if (close(static_cast<double>(got[i]), static_cast<double>(want[i]), tolerance)) continue;
    if (++wrong <= 3) examples += str("\n  [", i, "] wanted ", want[i], ", got ", got[i]);
  }
  if (wrong == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << wrong << " of " << got.size() << " elements are off:" << examples;
}

// The same for floating-point tensors of equal shape; their types may differ.
[[nodiscard]] inline ::testing::AssertionResult all_close(const Tensor& got, const Tensor& want, Tolerance tolerance) {
  if (!(got.shape() == want.shape()))
    return ::testing::AssertionFailure() << "wanted shape " << want.shape() << ", got " << got.shape();
  return dispatch_floating(got.dtype(), [&]<class A>() {
    return dispatch_floating(want.dtype(),
                             [&]<class B>() { return all_close(got.elements<A>(), want.elements<B>(), tolerance); });
  });
}

// Whether two tensors have the same type, shape and bits.
[[nodiscard]] inline ::testing::AssertionResult same_bits(const Tensor& got, const Tensor& want) {
  if (got.dtype() != want.dtype() || !(got.shape() == want.shape()))
    return ::testing::AssertionFailure() << "wanted " << want.dtype() << ' ' << want.shape() << ", got " << got.dtype()
                                         << ' ' << got.shape();
  const auto bytes = static_cast<size_t>(got.view().bytes());
  const auto *a = got.view().as<const std::byte>(), *b = want.view().as<const std::byte>();
  const auto at = std::mismatch(a, a + bytes, b).first - a;
  if (at == got.view().bytes()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "element " << at / size_bytes(got.dtype()) << " of " << got.shape().elements()
                                       << " differs";
}

}  // namespace polyscene::testing
