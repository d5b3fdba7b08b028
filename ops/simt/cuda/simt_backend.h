// The names of ops/simt/simt.h on a CUDA device. Kernels are launched only here.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "ops/base/error.h"
#include "ops/device/stream.h"
#include "ops/simt/launch_shape.h"

#define POLYSCENE_DEVICE __device__ __forceinline__
#define POLYSCENE_HOST_DEVICE __host__ __device__ __forceinline__

namespace polyscene::simt {

template <class T, int N>
struct alignas(N * sizeof(T)) Pack {
  static_assert(N * sizeof(T) <= 16, "no access is wider than 16 bytes");
  T at[N];
  POLYSCENE_DEVICE T& operator[](int k) { return at[k]; }
  POLYSCENE_DEVICE const T& operator[](int k) const { return at[k]; }
};

// The common part of Global and Shared.
template <class T>
class Memory {
 public:
  POLYSCENE_DEVICE T load(int64_t i) const { return data_[i]; }
  POLYSCENE_DEVICE void store(int64_t i, T value) const { data_[i] = value; }
  template <int N>
  POLYSCENE_DEVICE Pack<std::remove_const_t<T>, N> load_pack(int64_t i) const {
    return *reinterpret_cast<const Pack<std::remove_const_t<T>, N>*>(data_ + i);
  }
  template <int N>
  POLYSCENE_DEVICE void store_pack(int64_t i, const Pack<T, N>& pack) const {
    // Without this the compiler may move a part of i into the offsets of the pack's elements and store them one by one.
    asm("" : "+l"(i));
    *reinterpret_cast<Pack<T, N>*>(data_ + i) = pack;
  }
  POLYSCENE_DEVICE T atomic_add(int64_t i, T value) const { return atomicAdd(data_ + i, value); }
  POLYSCENE_DEVICE T atomic_max(int64_t i, T value) const { return atomicMax(data_ + i, value); }
  POLYSCENE_DEVICE T atomic_exchange(int64_t i, T value) const { return atomicExch(data_ + i, value); }
  POLYSCENE_DEVICE T atomic_compare_exchange(int64_t i, T expected, T value) const {
    return atomicCAS(data_ + i, expected, value);
  }

 protected:
  POLYSCENE_HOST_DEVICE explicit Memory(T* data) : data_(data) {}
  T* data_;
};

template <class T>
class Global : public Memory<T> {
 public:
  POLYSCENE_HOST_DEVICE Global(T* data, int64_t /*size*/) : Memory<T>(data) {}
};

template <class T>
class Shared : public Memory<T> {
 public:
  POLYSCENE_DEVICE explicit Shared(T* data) : Memory<T>(data) {}
};

class Thread {
 public:
  POLYSCENE_DEVICE int thread() const { return static_cast<int>(threadIdx.x); }
  POLYSCENE_DEVICE int threads() const { return static_cast<int>(blockDim.x); }
  POLYSCENE_DEVICE int64_t block() const { return blockIdx.x; }
  POLYSCENE_DEVICE int64_t blocks() const { return gridDim.x; }
  POLYSCENE_DEVICE int lane() const { return thread() % kWarpSize; }
  POLYSCENE_DEVICE int warp() const { return thread() / kWarpSize; }
  POLYSCENE_DEVICE int warps() const { return threads() / kWarpSize; }

  template <class T>
  POLYSCENE_DEVICE Shared<T> shared(int64_t count) {
    extern __shared__ __align__(16) unsigned char memory[];
    T* data = reinterpret_cast<T*>(memory + shared_used_);
    shared_used_ += (count * static_cast<int64_t>(sizeof(T)) + 15) / 16 * 16;
    return Shared<T>(data);
  }

  POLYSCENE_DEVICE void sync() { __syncthreads(); }
  POLYSCENE_DEVICE void sync_warp(uint32_t mask) { __syncwarp(mask); }
  template <class T>
  POLYSCENE_DEVICE T shuffle(T value, int lane, uint32_t mask) {
    return __shfl_sync(mask, value, lane);
  }
  template <class T>
  POLYSCENE_DEVICE T shuffle_xor(T value, int bits, uint32_t mask) {
    return __shfl_xor_sync(mask, value, bits);
  }
  template <class T>
  POLYSCENE_DEVICE T shuffle_down(T value, int lanes, uint32_t mask) {
    return __shfl_down_sync(mask, value, static_cast<unsigned>(lanes));
  }
  POLYSCENE_DEVICE uint32_t ballot(bool flag, uint32_t mask) { return __ballot_sync(mask, flag); }
  POLYSCENE_DEVICE uint32_t smallest(uint32_t value, uint32_t mask) { return __reduce_min_sync(mask, value); }

 private:
  int64_t shared_used_ = 0;
};

template <class Kernel>
__global__ void run_kernel(const Kernel kernel) {
  Thread t;
  kernel(t);
}

inline void check_cuda(cudaError_t status, const char* kernel, const LaunchShape& s) {
  require<DeviceError>(status == cudaSuccess, "[ops.simt] kernel ", kernel, " (", s.blocks, " blocks of ", s.threads,
                       " threads, ", s.shared_bytes, " bytes of shared memory) failed: ", cudaGetErrorString(status),
                       "; an error of an earlier kernel may show here: run with CUDA_LAUNCH_BLOCKING=1");
}

// Throws InvalidArgument if the shape is out of range, DeviceError if the launch or an earlier kernel failed.
template <class Kernel>
void launch(const Stream& stream, const char* name, const LaunchShape& s, const Kernel& kernel) {
  check_launch(name, s);
  if (s.blocks == 0) return;
  if (s.shared_bytes > 48 * 1024)
    check_cuda(cudaFuncSetAttribute(run_kernel<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(s.shared_bytes)),
               name, s);
  run_kernel<Kernel><<<static_cast<unsigned>(s.blocks), static_cast<unsigned>(s.threads),
                       static_cast<size_t>(s.shared_bytes), static_cast<cudaStream_t>(stream.handle)>>>(kernel);
  check_cuda(cudaGetLastError(), name, s);
}

}  // namespace polyscene::simt
