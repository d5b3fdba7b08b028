#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "ops/device/stream.h"

namespace polyscene {

// The reason why the host waits for a device.
enum class HostWait : uint8_t {
  kResult,    // the host needs a result; the device may run out of work meanwhile
  kThrottle,  // the host is far ahead, and the device has work queued
};

// A point in a queue, reached when all work queued before it is done.
class Event {
 public:
  virtual ~Event() = default;
  // Whether the event is reached; does not wait. Throws DeviceError if work before it failed.
  [[nodiscard]] virtual bool done() = 0;
  // Returns when the event is reached; the wait is counted if it was not reached yet.
  virtual void wait(HostWait why = HostWait::kResult) = 0;
};

// Work that was recorded once and can be queued as a whole any number of times, with the memory addresses and numbers
// of the recording.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;
  virtual void launch() = 0;
};

// The statistics of one device, shared by its queues: memory by consumer, and how often the host waited.
class DeviceUse {
 public:
  void add_wait(HostWait why) { ++waits_[static_cast<size_t>(why)]; }
  void add_bytes(const std::string& consumer, int64_t bytes);  // negative when memory is freed
  [[nodiscard]] int64_t waits(HostWait why) const { return waits_[static_cast<size_t>(why)]; }
  [[nodiscard]] int64_t bytes() const;
  [[nodiscard]] int64_t peak_bytes() const;
  // "12.0 MiB (tables 10.0 MiB, intermediate values 2.0 MiB)", the largest first: the memory now, and at its peak.
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] std::string describe_peak() const;

 private:
  std::array<std::atomic<int64_t>, 2> waits_{};
  mutable std::mutex mutex_;
  std::map<std::string, int64_t> by_consumer_, at_peak_;
  int64_t bytes_ = 0, peak_ = 0;
};

// One device on which graphs run: its memory and one of its queues. A queue runs its work in order while the host
// continues. The host waits only in copy_out(), synchronize() and Event::wait(), which are counted (use().waits()), and
// in copy_in() if it is megabytes ahead. Several threads may use one device; the order of their work is then
// unspecified. Every method may throw DeviceError, also for work queued earlier.
class Device {
 public:
  virtual ~Device() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  // Identifies the device among all devices of all hosts.
  [[nodiscard]] virtual std::string place() const = 0;
  [[nodiscard]] virtual Stream stream() const = 0;
  // The same device and memory with a new queue. The work of two queues is ordered only by wait_for().
  [[nodiscard]] virtual std::shared_ptr<Device> with_own_queue() = 0;

  // Allocates at least one byte, aligned to 256, not initialised. The memory belongs to this queue: another queue must
  // wait_for() an event recorded after the allocation, and its work on the memory must be waited for before the memory
  // is freed. The device must outlive the memory. Throws DeviceError naming the consumer ("the table user_id"), the
  // bytes wanted, and the consumers that hold the rest.
  [[nodiscard]] virtual std::shared_ptr<void> allocate(int64_t bytes, const std::string& consumer) = 0;
  // Host memory that the device can copy from and to while the host continues. Freeing it waits for this queue.
  [[nodiscard]] virtual std::shared_ptr<void> allocate_pinned(int64_t bytes) = 0;

  // Queued; `host` may be changed once this returns.
  virtual void copy_in(void* device, const void* host, int64_t bytes) = 0;
  // Returns when the bytes have arrived, after all work queued before.
  virtual void copy_out(void* host, const void* device, int64_t bytes) = 0;
  // Queued; the bytes have arrived once an event recorded later is reached. Until then the copy owns `pinned`.
  virtual void copy_out_later(void* pinned, const void* device, int64_t bytes) = 0;
  // Queued; both addresses are on the device.
  virtual void copy(void* to, const void* from, int64_t bytes) = 0;
  // Queued.
  virtual void clear(void* device, int64_t bytes) = 0;

  // Records what `work` queues, instead of running it. `work` may queue kernels and copies on the device, but not
  // allocate, copy host memory or wait. The device must outlive the recording.
  [[nodiscard]] virtual std::unique_ptr<DeviceGraph> capture(const std::function<void()>& work) = 0;

  [[nodiscard]] virtual std::shared_ptr<Event> record() = 0;
  // Work queued after this call waits for the event, which may be of any queue of the device; the host does not wait.
  virtual void wait_for(const Event& event) = 0;
  // Returns when all work of this queue is done.
  virtual void synchronize() = 0;

  // Begins or ends a named range of the calling thread's time, for profilers (Nsight Systems). Ranges nest.
  virtual void begin_range(const char* /*name*/) {}
  virtual void end_range() {}

  [[nodiscard]] DeviceUse& use() const { return *use_; }

 protected:
  Device() : use_(std::make_shared<DeviceUse>()) {}
  explicit Device(const Device& sibling) = default;
  // `memory` with its bytes counted for a consumer until the last owner releases it.
  [[nodiscard]] std::shared_ptr<void> counted(std::shared_ptr<void> memory, int64_t bytes, const std::string& consumer);
  [[noreturn]] void out_of_memory(int64_t bytes, const std::string& consumer, int64_t free, int64_t all) const;

 private:
  std::shared_ptr<DeviceUse> use_;
};

// The number of CUDA devices that this process may use, at least one. Throws DeviceError if this build has no CUDA
// support or there is no driver, no device or only a driver that is too old.
[[nodiscard]] int cuda_devices();

// CUDA device `index`. Throws DeviceError if this build has no CUDA support, or there is no driver or no such device.
[[nodiscard]] std::shared_ptr<Device> make_cuda_device(int index);

// Device::allocate(); for nullptr allocate_host(), which does not count the consumer.
[[nodiscard]] std::shared_ptr<void> allocate_on(Device* device, int64_t bytes, const std::string& consumer);

}  // namespace polyscene
