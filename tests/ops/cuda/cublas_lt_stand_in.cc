// cuBLASLt's interface over memory of the host, as a library of its own: it computes what it is told to, and refuses
// what the real one would, or what would make its results a matter of luck.
#include "tests/ops/cuda/cublas_lt_stand_in.h"

#include <cublasLt.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace {

polyscene::testing::CublasLtUse use;
cublasLtHandle_t const kHandle = reinterpret_cast<cublasLtHandle_t>(&use);

struct Layout {
  int64_t rows, cols, stride;
  [[nodiscard]] int64_t at(int64_t row, int64_t col) const { return col * stride + row; }
};

template <class Key>
struct Settings {
  std::map<Key, uint64_t> values;
  cublasStatus_t set(Key key, const void* value, size_t bytes) {
    if (bytes > sizeof(uint64_t)) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&values[key], value, bytes);
    return CUBLAS_STATUS_SUCCESS;
  }
  [[nodiscard]] uint64_t get(Key key, uint64_t missing) const {
    const auto at = values.find(key);
    return at == values.end() ? missing : at->second;
  }
};
struct Product : Settings<cublasLtMatmulDescAttributes_t> {
  int compute_type;
};
using Preference = Settings<cublasLtMatmulPreferenceAttributes_t>;

template <class Opaque, class T>
cublasStatus_t made(Opaque** to, T* object) {
  ++use.objects;
  *to = reinterpret_cast<Opaque*>(object);
  return CUBLAS_STATUS_SUCCESS;
}
template <class T, class Opaque>
cublasStatus_t destroyed(Opaque* object) {
  --use.objects;
  delete reinterpret_cast<T*>(object);
  return CUBLAS_STATUS_SUCCESS;
}
template <class T, class Opaque>
const T& as(Opaque* object) {
  return *reinterpret_cast<const T*>(object);
}

// A product with all that goes into it.
struct Call {
  const Product& p;
  const Layout &a, &b, &d;
  [[nodiscard]] bool transposed(cublasLtMatmulDescAttributes_t side) const {
    return p.get(side, CUBLAS_OP_N) == CUBLAS_OP_T;
  }
  [[nodiscard]] uint64_t epilogue() const { return p.get(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_DEFAULT); }
  [[nodiscard]] bool has(uint64_t end) const { return (epilogue() & end) != 0; }
  [[nodiscard]] const float* bias() const {
    return reinterpret_cast<const float*>(p.get(CUBLASLT_MATMUL_DESC_BIAS_POINTER, 0));
  }
  [[nodiscard]] int64_t inner() const { return transposed(CUBLASLT_MATMUL_DESC_TRANSA) ? a.rows : a.cols; }
  [[nodiscard]] bool fits() const {
    const bool ta = transposed(CUBLASLT_MATMUL_DESC_TRANSA), tb = transposed(CUBLASLT_MATMUL_DESC_TRANSB);
    for (const Layout& l : {a, b, d})
      if (l.rows <= 0 || l.cols <= 0 || l.stride < l.rows) return false;
    return (ta ? a.cols : a.rows) == d.rows && (tb ? b.rows : b.cols) == d.cols && inner() == (tb ? b.cols : b.rows) &&
           has(CUBLASLT_EPILOGUE_BIAS) == (bias() != nullptr);
  }
};

}  // namespace

extern "C" {

polyscene::testing::CublasLtUse* stand_in_use() { return &use; }

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  if (use.refuse_handles) return CUBLAS_STATUS_NOT_INITIALIZED;
  ++use.handles;
  *handle = kHandle;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t /*handle*/) {
  --use.handles;
  return CUBLAS_STATUS_SUCCESS;
}
const char* cublasLtGetStatusString(cublasStatus_t status) {
  return status == CUBLAS_STATUS_EXECUTION_FAILED  ? "execution failed"
         : status == CUBLAS_STATUS_NOT_SUPPORTED   ? "not supported"
         : status == CUBLAS_STATUS_NOT_INITIALIZED ? "not initialised"
                                                   : "another status";
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* product, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  if (scale != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
  return made(product, new Product{{}, compute});
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product) { return destroyed<Product>(product); }
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, size_t bytes) {
  return reinterpret_cast<Product*>(product)->set(attribute, value, bytes);
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type, uint64_t rows,
                                          uint64_t cols, int64_t stride) {
  if (type != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
  return made(layout, new Layout{static_cast<int64_t>(rows), static_cast<int64_t>(cols), stride});
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) { return destroyed<Layout>(layout); }

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return made(preference, new Preference);
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p) { return destroyed<Preference>(p); }
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void* value,
                                                    size_t bytes) {
  return reinterpret_cast<Preference*>(preference)->set(attribute, value, bytes);
}

// An algorithm says which alignments and how much workspace it relies on.
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t product,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t /*c*/, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t* results, int* found) {
  ++use.proposals;
  const Call call{as<Product>(product), as<Layout>(a), as<Layout>(b), as<Layout>(d)};
  const auto& p = as<Preference>(preference);
  use.reductions =
      static_cast<uint32_t>(p.get(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, CUBLASLT_REDUCTION_SCHEME_MASK));
  if (handle != kHandle || wanted < 1 || !call.fits()) return CUBLAS_STATUS_INVALID_VALUE;
  *found = use.refuse_proposals ? 0 : 1;
  results[0] = {};
  results[0].algo = {
      {p.get(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, 256), p.get(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, 256),
       p.get(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, 256), p.get(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, 0),
       p.get(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, 256)}};
  results[0].state = CUBLAS_STATUS_SUCCESS;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t handle, cublasLtMatmulDesc_t product, cublasLtMatrixLayout_t a,
                                       cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t /*c*/, cublasLtMatrixLayout_t d,
                                       const cublasLtMatmulAlgo_t* algorithm, cublasLtMatmulHeuristicResult_t* result) {
  ++use.checks;
  if (handle != kHandle || !Call{as<Product>(product), as<Layout>(a), as<Layout>(b), as<Layout>(d)}.fits())
    return CUBLAS_STATUS_INVALID_VALUE;
  result->workspaceSize = algorithm->data[3];
  return use.refuse_checks ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t product, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t /*c_layout*/, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algorithm, void* workspace,
                              size_t workspace_bytes, cudaStream_t /*stream*/) {
  ++use.products;
  if (use.refuse_products) return CUBLAS_STATUS_EXECUTION_FAILED;
  const Call call{as<Product>(product), as<Layout>(a_layout), as<Layout>(b_layout), as<Layout>(d_layout)};
  use.compute_type = call.p.compute_type;
  const auto lies = [](const void* p, uint64_t bytes) { return reinterpret_cast<uintptr_t>(p) % bytes == 0; };
  if (handle != kHandle || !call.fits() || !lies(a, algorithm->data[0]) || !lies(b, algorithm->data[1]) ||
      !lies(c, algorithm->data[2]) || !lies(d, algorithm->data[4]) || workspace_bytes < algorithm->data[3] ||
      workspace == nullptr)
    return CUBLAS_STATUS_INVALID_VALUE;
  const auto *x = static_cast<const float*>(a), *y = static_cast<const float*>(b);
  const auto* before = static_cast<const float*>(c);
  auto* const z = static_cast<float*>(d);
  const bool ta = call.transposed(CUBLASLT_MATMUL_DESC_TRANSA), tb = call.transposed(CUBLASLT_MATMUL_DESC_TRANSB);
  for (int64_t col = 0; col < call.d.cols; ++col)
    for (int64_t row = 0; row < call.d.rows; ++row) {
      double sum = 0;
      for (int64_t k = 0; k < call.inner(); ++k)
        sum += static_cast<double>(x[ta ? call.a.at(k, row) : call.a.at(row, k)]) *
               static_cast<double>(y[tb ? call.b.at(col, k) : call.b.at(k, col)]);
      float& to = z[call.d.at(row, col)];
      float value = *static_cast<const float*>(alpha) * static_cast<float>(sum);
      if (const float factor = *static_cast<const float*>(beta); factor != 0)
        value += factor * before[call.d.at(row, col)];
      if (call.has(CUBLASLT_EPILOGUE_BIAS)) value += call.bias()[row];
      to = call.has(CUBLASLT_EPILOGUE_RELU) ? std::max(value, 0.0f) : value;
    }
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
