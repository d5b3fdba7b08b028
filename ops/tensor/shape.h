// The extents of a dense row-major tensor, rank 0 to 4, stored inline.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>

#include "ops/base/error.h"

namespace polyscene {

class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const int64_t> dims) : rank_(static_cast<int>(dims.size())) {
    require(rank_ <= kMaxRank, "[ops.shape] wanted rank at most ", kMaxRank, ", got ", rank_);
    std::copy(dims.begin(), dims.end(), dims_.begin());
  }

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int64_t operator[](int axis) const { return dims_[axis]; }
  [[nodiscard]] std::span<const int64_t> dims() const { return std::span(dims_.data(), rank_); }
  // The number of elements; 1 for rank 0.
  [[nodiscard]] int64_t elements() const {
    int64_t n = 1;
    for (int64_t d : dims()) n *= d;
    return n;
  }
  // The tensor as a matrix [rows, cols]: the last axis (1 for rank 0), and all other axes flattened.
  [[nodiscard]] int64_t cols() const { return rank_ == 0 ? 1 : dims_[rank_ - 1]; }
  [[nodiscard]] int64_t rows() const {
    int64_t n = 1;
    for (int i = 0; i + 1 < rank_; ++i) n *= dims_[i];
    return n;
  }

  friend bool operator==(const Shape& a, const Shape& b) { return std::ranges::equal(a.dims(), b.dims()); }
  friend std::ostream& operator<<(std::ostream& out, const Shape& s) {
    out << '[';
    for (int i = 0; i < s.rank(); ++i) out << (i ? ", " : "") << s[i];
    return out << ']';
  }

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace polyscene
