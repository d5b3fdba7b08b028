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
    require<DeviceError>(properties_.major >= 8,
                         "[device] wanted a device of compute capability 8.0 or later, CUDA device ", index, " (",
                         properties_.name, ") has ", properties_.major, ".", properties_.minor);
    name_ = str("CUDA device ", index, " (", properties_.name, ")");
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream on CUDA device ", index);
    const cublasStatus_t status = cublasCreate(&blas_);
    if (status != CUBLAS_STATUS_SUCCESS) cudaStreamDestroy(stream_);
    require<DeviceError>(status == CUBLAS_STATUS_SUCCESS, "[device] cuBLAS did not start on CUDA device ", index, ": ",
                         cublasGetStatusString(status), "; is its memory full?");
  }
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;
  ~CudaDevice() override {
    cudaSetDevice(index_);
    cublasDestroy(blas_);
    cudaStreamDestroy(stream_);
  }

  std::string name() const override { return name_; }
  // Launches go to the calling thread's current device, whatever stream they name.
  Stream stream() const override {
    use();
    return {stream_, blas_};
  }

  std::shared_ptr<void> allocate(int64_t bytes) override {
    use();
    void* memory = nullptr;
    const cudaError_t status = cudaMalloc(&memory, static_cast<size_t>(std::max<int64_t>(bytes, 1)));
    if (status == cudaErrorMemoryAllocation) {
      (void)cudaGetLastError();  // not an error of the kernels that follow
      size_t free = 0, all = 0;
      check(cudaMemGetInfo(&free, &all), "asking ", name_, " for its free memory");
      throw DeviceError(str("[device] ", name_, ": wanted ", bytes, " bytes, ", free, " of ", all,
                            " are free; try a smaller batch_size, shorter sequences or more ranks"));
    }
    check(status, "allocating ", bytes, " bytes on ", name_);
    return {memory, [index = index_](void* p) {
              cudaSetDevice(index);
              cudaFree(p);
            }};
  }
  void copy_in(void* device, const void* host, int64_t bytes) override {
    use();
    check(cudaMemcpyAsync(device, host, static_cast<size_t>(bytes), cudaMemcpyHostToDevice, stream_), "copying ", bytes,
          " bytes to ", name_);
    synchronize();  // CUDA does not promise that it has read pageable memory before
  }
  void copy_out(void* host, const void* device, int64_t bytes) override {
    use();
    check(cudaMemcpyAsync(host, device, static_cast<size_t>(bytes), cudaMemcpyDeviceToHost, stream_), "copying ", bytes,
          " bytes from ", name_);
    synchronize();
  }
  void synchronize() override { check(cudaStreamSynchronize(stream_), "work on ", name_); }

 private:
  void use() const { check(cudaSetDevice(index_), "choosing CUDA device ", index_); }

  int index_;
  std::string name_;
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
                       "; is there an NVIDIA driver for CUDA ", CUDART_VERSION / 1000,
                       " (nvidia-smi)? The CPU does without");
  require<DeviceError>(index >= 0 && index < devices, "[device] wanted CUDA device ", index, ", there are ", devices,
                       "; try CUDA_VISIBLE_DEVICES or fewer ranks per host");
  return std::make_shared<CudaDevice>(index);
}

}  // namespace polyscene
