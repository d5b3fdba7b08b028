// Dense row-major tensors on the host: an owner (Tensor) and a non-owning view (TensorView).
#pragma once

#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "ops/tensor/dtype.h"
#include "ops/tensor/shape.h"

namespace polyscene {

// Non-owning, contiguous. Kernels do not check views: the graph has checked shapes and types.
struct TensorView {
  void* data = nullptr;
  DType dtype = DType::kFloat32;
  Shape shape;

  template <class T>
  [[nodiscard]] T* as() const {
    return static_cast<T*>(data);
  }
  // All elements, type-checked. Throws InvalidArgument if T is not the element type.
  template <class T>
  [[nodiscard]] std::span<T> elements() const {
    require(DTypeOf<std::remove_const_t<T>>::value == dtype, "[ops.tensor] wanted elements of type ",
            name(DTypeOf<std::remove_const_t<T>>::value), ", the tensor holds ", name(dtype));
    return std::span(as<T>(), shape.elements());
  }
  [[nodiscard]] int64_t bytes() const { return shape.elements() * size_bytes(dtype); }
};

// Owns 64-byte aligned zero-initialised memory; copies share it, clone() does not.
class Tensor {
 public:
  Tensor() = default;
  Tensor(DType dtype, Shape shape);

  template <class T>
  [[nodiscard]] static Tensor of(Shape shape, std::span<const T> values) {
    Tensor t(DTypeOf<T>::value, shape);
    require(shape.elements() == std::ssize(values), "[ops.tensor] shape ", shape, " wants ", shape.elements(),
            " values, got ", values.size());
    std::copy(values.begin(), values.end(), t.elements<T>().begin());
    return t;
  }
  template <class T>
  [[nodiscard]] static Tensor of(Shape shape, std::initializer_list<T> values) {
    return of<T>(shape, std::span<const T>(values.begin(), values.size()));
  }

  [[nodiscard]] DType dtype() const { return view_.dtype; }
  [[nodiscard]] const Shape& shape() const { return view_.shape; }
  [[nodiscard]] const TensorView& view() const { return view_; }
  template <class T>
  [[nodiscard]] std::span<T> elements() const {
    return view_.elements<T>();
  }
  [[nodiscard]] Tensor clone() const;

 private:
  TensorView view_;
  std::shared_ptr<void> memory_;
};

// 64-byte aligned, not initialised; at least one byte. Throws DeviceError naming the size if there is no memory.
[[nodiscard]] std::shared_ptr<void> allocate_host(int64_t bytes);

}  // namespace polyscene
