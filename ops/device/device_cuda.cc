#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <algorithm>

#include "ops/base/error.h"
#include "ops/device/device.h"

namespace polyscene {
namespace {

template <class... Parts>
void check(cudaError_t status, const Parts&... doing) {
  require<DeviceError>(status == cudaSuccess, "[device] ", doing..., " failed: ", cudaGetErrorString(status), " (",
                       cudaGetErrorName(status), ")");
}

class CudaDevice : public Device {
 public:
  explicit CudaDevice(int index) : index_(index) {
    use();
    check(cudaGetDeviceProperties(&properties_, index), "reading the properties of CUDA device ", index);
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream on CUDA device ", index);
    const cublasStatus_t status = cublasCreate(&blas_);
    require<DeviceError>(status == CUBLAS_STATUS_SUCCESS, "[device] cuBLAS did not start on CUDA device ", index, ": ",
                         cublasGetStatusString(status), "; is its memory full?");
  }
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;
  ~CudaDevice() override {
    cublasDestroy(blas_);
    cudaStreamDestroy(stream_);
  }

  std::string name() const override { return str("CUDA device ", index_, " (", properties_.name, ")"); }
  Stream stream() const override { return {stream_, blas_}; }

  std::shared_ptr<void> allocate(int64_t bytes) override {
    use();
    void* memory = nullptr;
    const cudaError_t status = cudaMalloc(&memory, static_cast<size_t>(std::max<int64_t>(bytes, 1)));
    if (status == cudaErrorMemoryAllocation) {
      (void)cudaGetLastError();  // not an error of the kernels that follow
      size_t free = 0, all = 0;
      check(cudaMemGetInfo(&free, &all), "asking ", name(), " for its free memory");
      throw DeviceError(str("[device] ", name(), ": wanted ", bytes, " bytes, ", free, " of ", all,
                            " are free; try a smaller batch_size, shorter sequences or more ranks"));
    }
    check(status, "allocating ", bytes, " bytes on ", name());
    return {memory, [](void* p) { cudaFree(p); }};
  }
  void copy_in(void* device, const void* host, int64_t bytes) override {
    // From pageable memory the call returns once the bytes are staged, so that the host may change its own.
    check(cudaMemcpyAsync(device, host, static_cast<size_t>(bytes), cudaMemcpyHostToDevice, stream_), "copying ", bytes,
          " bytes to ", name());
  }
  void copy_out(void* host, const void* device, int64_t bytes) override {
    check(cudaMemcpyAsync(host, device, static_cast<size_t>(bytes), cudaMemcpyDeviceToHost, stream_), "copying ", bytes,
          " bytes from ", name());
    synchronize();
  }
  void synchronize() override { check(cudaStreamSynchronize(stream_), "work on ", name()); }

 private:
  void use() const { check(cudaSetDevice(index_), "choosing CUDA device ", index_); }

  int index_;
  cudaDeviceProp properties_{};
  cudaStream_t stream_ = nullptr;
  cublasHandle_t blas_ = nullptr;
};

}  // namespace

std::shared_ptr<Device> make_cuda_device(int index) {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  require<DeviceError>(status == cudaSuccess, "[device] wanted CUDA device ", index,
                       ", but CUDA does not start here: ", cudaGetErrorString(status),
                       "; is there an NVIDIA driver of CUDA 13 or later (nvidia-smi)? The "
                       "CPU does without");
  require<DeviceError>(index >= 0 && index < devices, "[device] wanted CUDA device ", index, ", there are ", devices,
                       "; try CUDA_VISIBLE_DEVICES or fewer ranks per host");
  return std::make_shared<CudaDevice>(index);
}

}  // namespace polyscene
