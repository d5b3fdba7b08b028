// Matrix products with cuBLASLt, with bias and relu in the epilogue, and the choice of algorithms.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ops/cuda/cublas_lt_cuda.h"
#include "ops/dense/device_product.h"
#include "ops/device/device.h"

namespace polyscene {

// Everything on which the choice of an algorithm may depend.
struct ProductForm {
  bool transpose_a, transpose_b, add, in_place, relu, bias;
  ProductPrecision precision;
  int64_t rows, inner, cols, a_stride, b_stride;
  uint32_t a_alignment, b_alignment, c_alignment, y_alignment, bias_alignment;  // bytes, at most 16
  friend auto operator<=>(const ProductForm&, const ProductForm&) = default;
};

// The products of one queue: the library, loaded at the first product, its workspace, and the algorithms that it
// proposed. The same form always uses the same algorithm, whatever was computed before. No algorithm adds in an
// unspecified order: partial sums of a long sum are kept in the workspace and added in a separate step.
class DeviceProducts {
 public:
  static constexpr int64_t kWorkspaceBytes = int64_t{32} << 20;  // what NVIDIA recommends for Hopper

  // The device must outlive this object.
  explicit DeviceProducts(Device& device,
                          std::vector<std::string> library = {"libcublasLt.so.13", "libcublasLt.so.12"});
  DeviceProducts(const DeviceProducts&) = delete;
  DeviceProducts& operator=(const DeviceProducts&) = delete;
  ~DeviceProducts();

  // Queued on the device's stream. Throws DeviceError.
  void multiply(const ops::DeviceProduct& product, ProductPrecision precision);

 private:
  void start();
  // The algorithm that the library proposes for `form`, whose extents may differ from the product's. Throws
  // DeviceError.
  [[nodiscard]] cublasLtMatmulAlgo_t propose(const ops::DeviceProduct& product, const ProductForm& form) const;
  [[nodiscard]] cublasLtMatmulAlgo_t algorithm(const ops::DeviceProduct& product, const ProductForm& form);

  Device& device_;
  std::vector<std::string> names_;
  std::optional<CublasLt> lt_;
  cublasLtHandle_t handle_ = nullptr;
  std::shared_ptr<void> workspace_;
  std::map<ProductForm, cublasLtMatmulAlgo_t> algorithms_;
};

}  // namespace polyscene
