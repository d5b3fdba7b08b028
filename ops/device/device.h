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

// Why the host waits for a device.
enum class HostWait : uint8_t {
  kResult,    // it needs what was computed; the device may run dry meanwhile
  kThrottle,  // it is far ahead, and the device has work queued
};

// A point in the work of a queue, reached when all that was put there before is done.
class Event {
 public:
  virtual ~Event() = default;
  // Whether it is reached; does not wait. Throws DeviceError when work before it failed.
  [[nodiscard]] virtual bool done() = 0;
  // Returns when it is reached; counted where it was not.
  virtual void wait(HostWait why = HostWait::kResult) = 0;
};

// Work of a queue that was recorded once and is queued as a whole, any number of times: with the memory and the numbers
// that it was recorded with.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;
  virtual void launch() = 0;
};

// What all queues of one device share: its memory by consumer, and how often the host waited for it.
class DeviceUse {
 public:
  void add_wait(HostWait why) { ++waits_[static_cast<size_t>(why)]; }
  void add_bytes(const std::string& consumer, int64_t bytes);  // negative when they are given back
  [[nodiscard]] int64_t waits(HostWait why) const { return waits_[static_cast<size_t>(why)]; }
  [[nodiscard]] int64_t bytes() const;
  [[nodiscard]] int64_t peak_bytes() const;
  // "12.0 MiB (tables 10.0 MiB, intermediate values 2.0 MiB)", the largest first: now, and when it was most.
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] std::string describe_peak() const;

 private:
  std::array<std::atomic<int64_t>, 2> waits_{};
  mutable std::mutex mutex_;
  std::map<std::string, int64_t> by_consumer_, at_peak_;
  int64_t bytes_ = 0, peak_ = 0;
};

// One device that graphs run on: its memory and one of its queues. Work on a queue is done in order, and the host goes
// on meanwhile; it waits only in copy_out(), synchronize() and Event::wait(), which are counted (use().waits()), and in
// copy_in() when it is megabytes ahead. Several threads may use one device: their works are then in some order.
// Every method may throw DeviceError, also for work queued before.
class Device {
 public:
  virtual ~Device() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  // Tells it from all other devices, of this host and of others.
  [[nodiscard]] virtual std::string place() const = 0;
  [[nodiscard]] virtual Stream stream() const = 0;
  // The same device and memory with a queue of its own. Work of two queues is in no order but that of wait_for().
  [[nodiscard]] virtual std::shared_ptr<Device> with_own_queue() = 0;

  // At least one byte, on a multiple of 256, not initialised. It belongs to this queue: others must wait_for() an event
  // recorded after allocating it, and their work on it be waited for before it is given back. The device must outlive
  // it. Throws DeviceError naming the consumer ("the table user_id"), the bytes wanted, and who holds the others.
  [[nodiscard]] virtual std::shared_ptr<void> allocate(int64_t bytes, const std::string& consumer) = 0;
  // Memory of the host that copies run from and to beside the host's own work. Giving it back waits for this queue.
  [[nodiscard]] virtual std::shared_ptr<void> allocate_pinned(int64_t bytes) = 0;

  // Queued; `host` may change when it returns.
  virtual void copy_in(void* device, const void* host, int64_t bytes) = 0;
  // Returns when the bytes are there, all work before included.
  virtual void copy_out(void* host, const void* device, int64_t bytes) = 0;
  // Queued; the bytes are there once an event recorded later is reached, and `pinned` belongs to the copy until then.
  virtual void copy_out_later(void* pinned, const void* device, int64_t bytes) = 0;
  // Queued, both on the device.
  virtual void copy(void* to, const void* from, int64_t bytes) = 0;
  // Queued.
  virtual void clear(void* device, int64_t bytes) = 0;

  // Records what `work` puts on this queue, instead of doing it: kernels and copies on the device, no allocation, no
  // copy of the host's memory, no wait. The device must outlive it.
  [[nodiscard]] virtual std::unique_ptr<DeviceGraph> capture(const std::function<void()>& work) = 0;

  [[nodiscard]] virtual std::shared_ptr<Event> record() = 0;
  // Work put on this queue from now on waits for the event, of any queue of the device; the host does not.
  virtual void wait_for(const Event& event) = 0;
  // Returns when all work of this queue is done.
  virtual void synchronize() = 0;

  // A named range of the calling thread's time, for profilers (Nsight Systems). Ranges nest.
  virtual void begin_range(const char* /*name*/) {}
  virtual void end_range() {}

  [[nodiscard]] DeviceUse& use() const { return *use_; }

 protected:
  Device() : use_(std::make_shared<DeviceUse>()) {}
  explicit Device(const Device& sibling) = default;
  // `memory` as counted bytes of a consumer, given back with the last owner.
  [[nodiscard]] std::shared_ptr<void> counted(std::shared_ptr<void> memory, int64_t bytes, const std::string& consumer);
  [[noreturn]] void out_of_memory(int64_t bytes, const std::string& consumer, int64_t free, int64_t all) const;

 private:
  std::shared_ptr<DeviceUse> use_;
};

// The number of CUDA devices of this host that this process may use, at least one. Throws DeviceError when this build
// has none, there is no driver or it is too old.
[[nodiscard]] int cuda_devices();

// CUDA device `index`. Throws DeviceError when this build has none, there is no driver or no such device.
[[nodiscard]] std::shared_ptr<Device> make_cuda_device(int index);

// Device::allocate(), or allocate_host() for nullptr: then the consumer is not counted.
[[nodiscard]] std::shared_ptr<void> allocate_on(Device* device, int64_t bytes, const std::string& consumer);

}  // namespace polyscene
