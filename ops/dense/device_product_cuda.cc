// cuBLAS works on columns: a row-major product is the product of the transposes in the other order.
#include <cublas_v2.h>
#include <cuda_runtime.h>

#include "ops/dense/device_product.h"

namespace polyscene::ops {
namespace {

void check(cublasStatus_t status, const DeviceProduct& p) {
  require<DeviceError>(status == CUBLAS_STATUS_SUCCESS, "[ops.matmul] cuBLAS failed at a product [", p.rows, ", ",
                       p.inner, "] x [", p.inner, ", ", p.cols, "]: ", cublasGetStatusString(status),
                       "; an error of an earlier kernel may show here: run with CUDA_LAUNCH_BLOCKING=1");
}

}  // namespace

void device_product(const KernelContext& context, const DeviceProduct& p) {
  if (p.rows == 0 || p.cols == 0 || (p.inner == 0 && p.add)) return;
  const auto stream = static_cast<cudaStream_t>(context.stream.handle);
  if (p.inner == 0) {
    const cudaError_t status =
        cudaMemset2DAsync(p.y, static_cast<size_t>(p.y_stride) * sizeof(float), 0,
                          static_cast<size_t>(p.cols) * sizeof(float), static_cast<size_t>(p.rows), stream);
    require<DeviceError>(status == cudaSuccess, "[ops.matmul] could not clear [", p.rows, ", ", p.cols,
                         "]: ", cudaGetErrorString(status));
    return;
  }
  const auto blas = static_cast<cublasHandle_t>(context.stream.blas);
  check(cublasSetStream(blas, stream), p);
  const float one = 1, before = p.add ? 1.0f : 0.0f;
  check(cublasGemmEx_64(blas, p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N, p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N,
                        p.cols, p.rows, p.inner, &one, p.b, CUDA_R_32F, p.b_stride, p.a, CUDA_R_32F, p.a_stride,
                        &before, p.y, CUDA_R_32F, p.y_stride,
                        context.bf16_matmul ? CUBLAS_COMPUTE_32F_FAST_16BF : CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
        p);
}

}  // namespace polyscene::ops
