#include <cuda_runtime.h>
#include <nvtx3/nvToolsExt.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "ops/base/error.h"
#include "ops/cuda/device_products_cuda.h"
#include "ops/device/device.h"

namespace polyscene {
namespace {

template <class... Parts>
void check(cudaError_t status, const Parts&... doing) {
  require<DeviceError>(status == cudaSuccess, "[device] ", doing..., " failed: ", cudaGetErrorString(status), " (",
                       cudaGetErrorName(status), ")");
}

// Launches and allocations use the calling thread's current device, whatever stream they name.
void use_device(int index) { check(cudaSetDevice(index), "choosing CUDA device ", index); }

// A stream that lives as long as any work on it.
struct Queue {
  int index;
  cudaStream_t stream = nullptr;

  explicit Queue(int device) : index(device) {
    use_device(index);
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream on CUDA device ", index);
  }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  ~Queue() {
    cudaSetDevice(index);
    cudaStreamDestroy(stream);
  }
};

class CudaEvent : public Event {
 public:
  CudaEvent(std::shared_ptr<Queue> queue, DeviceUse* use) : queue_(std::move(queue)), use_(use) {
    use_device(queue_->index);
    check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "making an event on CUDA device ", queue_->index);
  }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;
  ~CudaEvent() override {
    cudaSetDevice(queue_->index);
    cudaEventDestroy(event_);
  }
  void record() { check(cudaEventRecord(event_, queue_->stream), "recording an event"); }
  [[nodiscard]] cudaEvent_t handle() const { return event_; }
  [[nodiscard]] bool done() override {
    const cudaError_t status = cudaEventQuery(event_);
    if (status == cudaErrorNotReady) return false;
    check(status, "work on CUDA device ", queue_->index);
    return true;
  }
  void wait(HostWait why) override {
    if (done()) return;
    use_->add_wait(why);
    check(cudaEventSynchronize(event_), "work on CUDA device ", queue_->index);
  }

 private:
  std::shared_ptr<Queue> queue_;
  DeviceUse* use_;
  cudaEvent_t event_ = nullptr;
};

std::shared_ptr<void> pinned_memory(const std::shared_ptr<Queue>& queue, int64_t bytes) {
  use_device(queue->index);
  void* memory = nullptr;
  check(cudaMallocHost(&memory, std::max<int64_t>(bytes, 1)), "pinning ", bytes, " bytes of host memory");
  return {memory, [queue](void* p) {
            cudaSetDevice(queue->index);
            cudaStreamSynchronize(queue->stream);
            cudaFreeHost(p);
          }};
}

class CudaGraph : public DeviceGraph {
 public:
  CudaGraph(std::shared_ptr<Queue> queue, const std::function<void()>& work) : queue_(std::move(queue)) {
    use_device(queue_->index);
    cudaGraph_t graph = nullptr;
    check(cudaStreamBeginCapture(queue_->stream, cudaStreamCaptureModeThreadLocal), "recording a graph");
    try {
      work();
    } catch (...) {
      cudaStreamEndCapture(queue_->stream, &graph);
      cudaGraphDestroy(graph);
      throw;
    }
    check(cudaStreamEndCapture(queue_->stream, &graph), "recording a graph");
    const cudaError_t status = cudaGraphInstantiate(&graph_, graph, 0);
    cudaGraphDestroy(graph);
    check(status, "making a graph");
  }
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;
  ~CudaGraph() override {
    cudaSetDevice(queue_->index);
    cudaGraphExecDestroy(graph_);
  }
  void launch() override {
    use_device(queue_->index);
    check(cudaGraphLaunch(graph_, queue_->stream), "launching a graph");
  }

 private:
  std::shared_ptr<Queue> queue_;
  cudaGraphExec_t graph_ = nullptr;
};

// Pinned memory through which copies to the device pass, so that the host need not wait for them.
class Staging {
 public:
  static constexpr int64_t kBytes = int64_t{4} << 20;  // size of a piece: many small copies or one large one

  // Returns room for a copy of at most kBytes, in the current piece or the next one. If the device is too far behind,
  // waits for the copies from the next piece. record() returns an event after all copies so far.
  template <class Record>
  std::byte* room(const std::shared_ptr<Queue>& queue, int64_t bytes, const Record& record) {
    if (used_ + bytes > kBytes) {
      pieces_[at_].copied = record();
      at_ = (at_ + 1) % pieces_.size();
      used_ = 0;
      if (pieces_[at_].copied) pieces_[at_].copied->wait(HostWait::kThrottle);
    }
    Piece& piece = pieces_[at_];
    if (!piece.memory) piece.memory = pinned_memory(queue, kBytes);
    std::byte* const room = static_cast<std::byte*>(piece.memory.get()) + used_;
    used_ += (bytes + 63) / 64 * 64;
    return room;
  }

 private:
  struct Piece {
    std::shared_ptr<void> memory;
    std::shared_ptr<Event> copied;
  };
  std::array<Piece, 16> pieces_;
  size_t at_ = 0;
  int64_t used_ = 0;  // bytes of the current piece
};

class CudaDevice : public Device {
 public:
  explicit CudaDevice(int index) : queue_(std::make_shared<Queue>(index)) {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, index), "reading the properties of CUDA device ", index);
    require<DeviceError>(properties.major >= 8,
                         "[device] wanted a device of compute capability 8.0 or later, CUDA device ", index, " (",
                         properties.name, ") has ", properties.major, ".", properties.minor);
    name_ = str("CUDA device ", index, " (", properties.name, ")");
    for (const char byte : properties.uuid.bytes) place_ += str(int{byte}, ' ');
    // Freed memory stays with the process: returning it to the driver and allocating it again would stop the device.
    cudaMemPool_t pool = nullptr;
    check(cudaDeviceGetDefaultMemPool(&pool, index), "finding the memory pool of ", name_);
    uint64_t keep = UINT64_MAX;
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "setting up the memory pool of ",
          name_);
  }

  std::string name() const override { return name_; }
  std::string place() const override { return place_; }
  Stream stream() const override {
    use_device(queue_->index);
    return {queue_->stream, products_.get()};
  }
  std::shared_ptr<Device> with_own_queue() override { return std::shared_ptr<CudaDevice>(new CudaDevice(*this)); }

  std::shared_ptr<void> allocate(int64_t bytes, const std::string& consumer) override {
    use_device(queue_->index);
    void* memory = nullptr;
    const size_t size = std::max<int64_t>(bytes, 1);
    const cudaError_t status = cudaMallocAsync(&memory, size, queue_->stream);
    if (status == cudaErrorMemoryAllocation) {
      (void)cudaGetLastError();  // clears the error, which does not concern the kernels that follow
      size_t free = 0, all = 0;
      check(cudaMemGetInfo(&free, &all), "asking ", name_, " for its free memory");
      out_of_memory(bytes, consumer, free, all);
    }
    check(status, "allocating ", bytes, " bytes on ", name_);
    return counted({memory,
                    [queue = queue_](void* p) {
                      cudaSetDevice(queue->index);
                      cudaFreeAsync(p, queue->stream);
                    }},
                   bytes, consumer);
  }
  std::shared_ptr<void> allocate_pinned(int64_t bytes) override { return pinned_memory(queue_, bytes); }

  void copy_in(void* device, const void* host, int64_t bytes) override {
    use_device(queue_->index);
    const std::lock_guard lock(staging_mutex_);
    for (int64_t done = 0; done < bytes; done += Staging::kBytes) {
      const size_t piece = std::min(bytes - done, Staging::kBytes);
      std::byte* const memory = staging_.room(queue_, piece, [this] { return record(); });
      std::memcpy(memory, static_cast<const std::byte*>(host) + done, piece);
      check(cudaMemcpyAsync(static_cast<std::byte*>(device) + done, memory, piece, cudaMemcpyHostToDevice,
                            queue_->stream),
            "copying ", bytes, " bytes to ", name_);
    }
  }
  void copy_out(void* host, const void* device, int64_t bytes) override {
    copy_out_later(host, device, bytes);
    synchronize();
  }
  void copy_out_later(void* pinned, const void* device, int64_t bytes) override {
    use_device(queue_->index);
    check(cudaMemcpyAsync(pinned, device, bytes, cudaMemcpyDeviceToHost, queue_->stream), "copying ", bytes,
          " bytes from ", name_);
  }
  void copy(void* to, const void* from, int64_t bytes) override {
    use_device(queue_->index);
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, queue_->stream), "copying ", bytes, " bytes on ",
          name_);
  }
  void clear(void* device, int64_t bytes) override {
    use_device(queue_->index);
    check(cudaMemsetAsync(device, 0, bytes, queue_->stream), "clearing ", bytes, " bytes on ", name_);
  }

  std::unique_ptr<DeviceGraph> capture(const std::function<void()>& work) override {
    return std::make_unique<CudaGraph>(queue_, work);
  }

  std::shared_ptr<Event> record() override {
    auto event = std::make_shared<CudaEvent>(queue_, &use());
    event->record();
    return event;
  }
  void wait_for(const Event& event) override {
    check(cudaStreamWaitEvent(queue_->stream, static_cast<const CudaEvent&>(event).handle()), "waiting for an event");
  }
  void begin_range(const char* name) override { nvtxRangePushA(name); }
  void end_range() override { nvtxRangePop(); }
  void synchronize() override {
    use().add_wait(HostWait::kResult);
    check(cudaStreamSynchronize(queue_->stream), "work on ", name_);
  }

 private:
  CudaDevice(const CudaDevice& sibling)
      : Device(sibling),
        queue_(std::make_shared<Queue>(sibling.queue_->index)),
        name_(sibling.name_),
        place_(sibling.place_) {}

  std::shared_ptr<Queue> queue_;
  std::string name_, place_;
  std::mutex staging_mutex_;
  Staging staging_;
  std::unique_ptr<DeviceProducts> products_ = std::make_unique<DeviceProducts>(*this);
};

}  // namespace

int cuda_devices() {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  require<DeviceError>(status == cudaSuccess && devices > 0,
                       "[device] wanted a CUDA device, but CUDA does not start here: ", cudaGetErrorString(status),
                       "; check the NVIDIA driver for CUDA ", CUDART_VERSION / 1000,
                       " (nvidia-smi) and CUDA_VISIBLE_DEVICES, or use --device cpu");
  return devices;
}

std::shared_ptr<Device> make_cuda_device(int index) {
  const int devices = cuda_devices();
  require<DeviceError>(index >= 0 && index < devices, "[device] wanted CUDA device ", index, ", there are ", devices,
                       "; try CUDA_VISIBLE_DEVICES or fewer ranks per host");
  return std::make_shared<CudaDevice>(index);
}

}  // namespace polyscene
