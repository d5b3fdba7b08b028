// Element types, and the one place that turns a run-time type into a template argument.
#pragma once

#include <cstdint>
#include <ostream>
#include <string_view>
#include <utility>

#include "ops/base/error.h"

namespace polyscene {

enum class DType : uint8_t { kFloat32, kFloat64, kInt32, kInt64 };

[[nodiscard]] constexpr int64_t size_bytes(DType t) { return t == DType::kFloat32 || t == DType::kInt32 ? 4 : 8; }
[[nodiscard]] constexpr bool is_floating(DType t) { return t == DType::kFloat32 || t == DType::kFloat64; }
[[nodiscard]] constexpr std::string_view name(DType t) {
  constexpr std::string_view names[] = {"float32", "float64", "int32", "int64"};
  return names[static_cast<int>(t)];
}
inline std::ostream& operator<<(std::ostream& out, DType t) { return out << name(t); }

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::kFloat32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::kFloat64;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::kInt32;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::kInt64;
};

// Calls f.template operator()<float or double>(). Throws InvalidArgument for other types.
template <class F>
decltype(auto) dispatch_floating(DType t, F&& f) {
  if (t == DType::kFloat32) return std::forward<F>(f).template operator()<float>();
  if (t == DType::kFloat64) return std::forward<F>(f).template operator()<double>();
  throw InvalidArgument(str("[ops.tensor] wanted float32 or float64, got ", name(t)));
}

}  // namespace polyscene
