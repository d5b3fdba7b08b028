#include "ops/cuda/device_products_cuda.h"

#include <algorithm>
#include <bit>

#include "ops/base/error.h"

namespace polyscene {
namespace {

// No access is wider than 16 bytes, and a null pointer is aligned to any number.
uint32_t alignment(const void* p) {
  return static_cast<uint32_t>(1) << std::min(std::countr_zero(reinterpret_cast<uintptr_t>(p)), 4);
}

ProductForm form_of(const ops::DeviceProduct& p, ProductPrecision precision) {
  return {.transpose_a = p.transpose_a,
          .transpose_b = p.transpose_b,
          .add = p.c != nullptr,
          .in_place = p.c == p.y,
          .relu = p.relu,
          .bias = p.bias != nullptr,
          .precision = precision,
          .rows = p.rows,
          .inner = p.inner,
          .cols = p.cols,
          .a_stride = p.a_stride,
          .b_stride = p.b_stride,
          .a_alignment = alignment(p.a),
          .b_alignment = alignment(p.b),
          .c_alignment = alignment(p.c),
          .y_alignment = alignment(p.y),
          .bias_alignment = alignment(p.bias)};
}

// The number of behaviours differs from step to step, and asking the library for an algorithm costs more than the
// product: extents on which no stride depends are rounded up to four significant bits, so that there are few forms.
int64_t rounded(int64_t extent) {
  if (extent < 1024) return extent;
  const int64_t step = std::bit_floor(static_cast<uint64_t>(extent)) / 8;
  return (extent + step - 1) / step * step;
}

ProductForm representative(ProductForm f) {
  if (!f.transpose_a) f.rows = rounded(f.rows);
  if (f.transpose_a && !f.transpose_b) f.inner = rounded(f.inner);
  return f;
}

cublasComputeType_t compute_type(ProductPrecision precision) {
  switch (precision) {
    case ProductPrecision::kTf32:
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    case ProductPrecision::kBfloat16:
      return CUBLAS_COMPUTE_32F_FAST_16BF;
    case ProductPrecision::kFloat32:
      break;
  }
  return CUBLAS_COMPUTE_32F;
}

cublasLtEpilogue_t epilogue(const ProductForm& f) {
  if (f.bias) return f.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
  return f.relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
}

void check(const CublasLt& lt, cublasStatus_t status, const ProductForm& f) {
  require<DeviceError>(status == CUBLAS_STATUS_SUCCESS, "[ops.matmul] cuBLASLt failed at a product [", f.rows, ", ",
                       f.inner, "] x [", f.inner, ", ", f.cols, "]: ", lt.status_string(status),
                       "; an error of an earlier kernel may show here: run with CUDA_LAUNCH_BLOCKING=1");
}

template <class T>
using Owned = std::unique_ptr<T, cublasStatus_t (*)(T*)>;

Owned<cublasLtMatrixLayoutOpaque_t> layout(const CublasLt& lt, const ProductForm& f, int64_t rows, int64_t cols,
                                           int64_t stride) {
  cublasLtMatrixLayout_t made = nullptr;
  check(lt, lt.create_layout(&made, CUDA_R_32F, rows, cols, stride), f);
  return {made, lt.destroy_layout};
}

// A product in cuBLASLt's terms, which are column-major: a row-major product is the product of the transposes in the
// other order, and a bias of columns is a bias of rows.
struct Description {
  Description(const CublasLt& lt, const ops::DeviceProduct& p, const ProductForm& f)
      : product(nullptr, lt.destroy_product),
        first(layout(lt, f, f.transpose_b ? f.inner : f.cols, f.transpose_b ? f.cols : f.inner, f.b_stride)),
        second(layout(lt, f, f.transpose_a ? f.rows : f.inner, f.transpose_a ? f.inner : f.rows, f.a_stride)),
        result(layout(lt, f, f.cols, f.rows, f.cols)) {
    cublasLtMatmulDesc_t made = nullptr;
    check(lt, lt.create_product(&made, compute_type(f.precision), CUDA_R_32F), f);
    product.reset(made);
    const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
      check(lt, lt.set_product(made, attribute, &value, sizeof(value)), f);
    };
    set(CUBLASLT_MATMUL_DESC_TRANSA, f.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, f.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue(f));
    if (f.bias) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias);
  }
  Owned<cublasLtMatmulDescOpaque_t> product;
  Owned<cublasLtMatrixLayoutOpaque_t> first, second, result;
};

}  // namespace

DeviceProducts::DeviceProducts(Device& device, std::vector<std::string> library)
    : device_(device), names_(std::move(library)) {}

DeviceProducts::~DeviceProducts() {
  if (handle_ != nullptr) lt_->destroy(handle_);
}

void DeviceProducts::start() {
  if (handle_ != nullptr) return;
  if (!lt_) lt_.emplace(names_);
  const cublasStatus_t status = lt_->create(&handle_);
  if (status != CUBLAS_STATUS_SUCCESS) handle_ = nullptr;
  require<DeviceError>(status == CUBLAS_STATUS_SUCCESS, "[ops.matmul] cuBLASLt did not start on ", device_.name(), ": ",
                       lt_->status_string(status), "; is its memory full?");
}

cublasLtMatmulAlgo_t DeviceProducts::propose(const ops::DeviceProduct& p, const ProductForm& f) const {
  cublasLtMatmulPreference_t made = nullptr;
  check(*lt_, lt_->create_preference(&made), f);
  const Owned<cublasLtMatmulPreferenceOpaque_t> preference(made, lt_->destroy_preference);
  const auto set = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
    check(*lt_, lt_->set_preference(made, attribute, &value, sizeof(value)), f);
  };
  set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t{kWorkspaceBytes});
  set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, static_cast<uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, f.b_alignment);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, f.a_alignment);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, f.add ? f.c_alignment : f.y_alignment);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, f.y_alignment);
  const Description d(*lt_, p, f);
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  check(*lt_,
        lt_->find_algorithms(handle_, d.product.get(), d.first.get(), d.second.get(), d.result.get(), d.result.get(),
                             made, 1, &best, &found),
        f);
  check(*lt_, found > 0 ? best.state : CUBLAS_STATUS_NOT_SUPPORTED, f);
  return best.algo;
}

cublasLtMatmulAlgo_t DeviceProducts::algorithm(const ops::DeviceProduct& p, const ProductForm& f) {
  const ProductForm like = representative(f);
  auto at = algorithms_.find(like);
  if (at == algorithms_.end()) at = algorithms_.emplace(like, propose(p, like)).first;
  if (like == f) return at->second;
  const Description d(*lt_, p, f);
  cublasLtMatmulHeuristicResult_t fit{};
  const cublasStatus_t status = lt_->check_algorithm(handle_, d.product.get(), d.first.get(), d.second.get(),
                                                     d.result.get(), d.result.get(), &at->second, &fit);
  const bool fits = status == CUBLAS_STATUS_SUCCESS && fit.workspaceSize <= static_cast<size_t>(kWorkspaceBytes);
  return fits ? at->second : propose(p, f);
}

void DeviceProducts::multiply(const ops::DeviceProduct& p, ProductPrecision precision) {
  if (p.rows == 0 || p.cols == 0) return;
  if (p.inner == 0) {
    const int64_t bytes = p.rows * p.cols * int64_t{sizeof(float)};
    if (p.c == nullptr) device_.clear(p.y, bytes);
    if (p.c != nullptr && p.c != p.y) device_.copy(p.y, p.c, bytes);
    return;
  }
  start();
  if (!workspace_) workspace_ = device_.allocate(kWorkspaceBytes, "the workspace of matrix products");
  const ProductForm f = form_of(p, precision);
  const cublasLtMatmulAlgo_t chosen = algorithm(p, f);
  const Description d(*lt_, p, f);
  const float one = 1, before = f.add ? 1.0f : 0.0f;
  check(*lt_,
        lt_->multiply(handle_, d.product.get(), &one, p.b, d.first.get(), p.a, d.second.get(), &before,
                      f.add ? p.c : p.y, d.result.get(), p.y, d.result.get(), &chosen, workspace_.get(),
                      kWorkspaceBytes, static_cast<cudaStream_t>(device_.stream().handle)),
        f);
}

namespace ops {

void device_product(const KernelContext& context, const DeviceProduct& product) {
  context.stream.products->multiply(product, context.precision);
}

}  // namespace ops

}  // namespace polyscene
