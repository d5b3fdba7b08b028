// Shapes of graph values. Each extent is a number or factor * symbol + constant; every step binds the symbols (batch,
// behaviours, distinct rows ...) to the shapes of its inputs.
#pragma once

#include <array>
#include <initializer_list>
#include <ostream>
#include <span>

#include "ops/tensor/shape.h"

namespace polyscene {

struct Dim {
  int64_t constant = 0;
  int32_t symbol = -1;  // index given by Graph::symbol; -1: none
  int64_t factor = 0;

  Dim() = default;
  Dim(int64_t extent) : constant(extent) {}  // NOLINT: a number converts to an extent
  [[nodiscard]] static Dim of_symbol(int32_t symbol) {
    Dim d;
    d.symbol = symbol;
    d.factor = 1;
    return d;
  }
  [[nodiscard]] bool is_static() const { return symbol < 0; }
  // The extent for these values of the symbols.
  [[nodiscard]] int64_t resolve(std::span<const int64_t> symbols) const {
    return constant + (symbol < 0 ? 0 : factor * symbols[symbol]);
  }
  friend Dim operator+(Dim d, int64_t n) {
    d.constant += n;
    return d;
  }
  friend Dim operator*(Dim d, int64_t n) {
    if (n == 0) return Dim(0);
    d.constant *= n;
    d.factor *= n;
    return d;
  }
  friend bool operator==(const Dim&, const Dim&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Dim& d) {
    if (d.is_static()) return out << d.constant;
    if (d.factor != 1) out << d.factor << '*';
    out << "s" << d.symbol;
    if (d.constant != 0) out << '+' << d.constant;
    return out;
  }
};

class SymbolicShape {
 public:
  SymbolicShape() = default;
  SymbolicShape(std::initializer_list<Dim> dims) : rank_(static_cast<int>(dims.size())) {
    require(rank_ <= Shape::kMaxRank, "[ops.graph] wanted rank at most ", Shape::kMaxRank, ", got ", rank_);
    std::copy(dims.begin(), dims.end(), dims_.begin());
  }
  explicit SymbolicShape(const Shape& shape) : rank_(shape.rank()) {
    for (int i = 0; i < rank_; ++i) dims_[i] = shape[i];
  }

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] const Dim& operator[](int axis) const { return dims_[axis]; }
  [[nodiscard]] std::span<const Dim> dims() const { return std::span(dims_.data(), rank_); }
  [[nodiscard]] const Dim& back() const { return dims_[rank_ - 1]; }
  [[nodiscard]] SymbolicShape with_back(Dim last) const {
    SymbolicShape s = *this;
    s.dims_[rank_ - 1] = last;
    return s;
  }
  [[nodiscard]] Shape resolve(std::span<const int64_t> symbols) const {
    std::array<int64_t, Shape::kMaxRank> extents{};
    for (int i = 0; i < rank_; ++i) extents[i] = dims_[i].resolve(symbols);
    return Shape(std::span<const int64_t>(extents.data(), rank_));
  }

  friend bool operator==(const SymbolicShape& a, const SymbolicShape& b) {
    return std::ranges::equal(a.dims(), b.dims());
  }
  friend std::ostream& operator<<(std::ostream& out, const SymbolicShape& s) {
    out << '[';
    for (int i = 0; i < s.rank(); ++i) out << (i ? ", " : "") << s[i];
    return out << ']';
  }

 private:
  std::array<Dim, Shape::kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace polyscene
