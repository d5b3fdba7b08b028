// A device that uses the host's memory and runs kernels on the emulator. New memory is filled with NaN. Work is done
// when it is queued, but the host sees it late, as if the device were behind: an event is reached only at the third
// query, and the target of copy_out_later() holds NaN until a later event is reached. Other threads may query events.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>
#include <new>
#include <optional>
#include <vector>

#include "ops/device/device.h"
#include "ops/tensor/tensor.h"
#include "tests/support/emulator/recording.h"

namespace polyscene::testing {

class EmulatedDevice : public Device {
 public:
  EmulatedDevice() = default;
  [[nodiscard]] std::string name() const override { return "the emulated device"; }
  [[nodiscard]] std::string place() const override { return place_; }
  void set_place(std::string place) { place_ = std::move(place); }
  [[nodiscard]] Stream stream() const override { return {}; }
  [[nodiscard]] std::shared_ptr<Device> with_own_queue() override {
    return std::shared_ptr<EmulatedDevice>(new EmulatedDevice(*this));
  }
  // Limits the device's memory, in bytes.
  void limit_memory(int64_t bytes) { limit_ = bytes; }

  [[nodiscard]] std::shared_ptr<void> allocate(int64_t bytes, const std::string& consumer) override {
    require<DeviceError>(simt::the_recording == nullptr, "[device] memory cannot be allocated while work is recorded");
    if (limit_ && use().bytes() + bytes > *limit_)
      out_of_memory(bytes, consumer, std::max<int64_t>(*limit_ - use().bytes(), 0), *limit_);
    return counted(poisoned(bytes), bytes, consumer);
  }
  [[nodiscard]] std::shared_ptr<void> allocate_pinned(int64_t bytes) override {
    std::shared_ptr<void> memory = poisoned(bytes);
    void* const address = memory.get();
    return {address, [memory = std::move(memory), queue = queue_](void*) mutable {
              queue->deliver(queue->queued);
              memory.reset();
            }};
  }

  void copy_in(void* device, const void* host, int64_t bytes) override {
    require<DeviceError>(simt::the_recording == nullptr, "[device] a copy of the host's memory cannot be recorded");
    copy(device, host, bytes);
  }
  void copy_out(void* host, const void* device, int64_t bytes) override {
    synchronize();
    copy(host, device, bytes);
  }
  void copy_out_later(void* pinned, const void* device, int64_t bytes) override {
    const auto* from = static_cast<const std::byte*>(device);
    std::memset(pinned, 0xFF, static_cast<size_t>(bytes));
    const std::lock_guard lock(queue_->mutex);
    queue_->late.push_back({pinned, {from, from + bytes}, ++queue_->queued});
  }
  void copy(void* to, const void* from, int64_t bytes) override {
    if (bytes > 0) simt::do_or_record([=] { std::memcpy(to, from, static_cast<size_t>(bytes)); });
  }
  void clear(void* device, int64_t bytes) override {
    simt::do_or_record([=] { std::memset(device, 0, static_cast<size_t>(bytes)); });
  }

  [[nodiscard]] std::unique_ptr<DeviceGraph> capture(const std::function<void()>& work) override {
    auto graph = std::make_unique<RecordedGraph>();
    const simt::Recording recording(graph->work);
    work();
    return graph;
  }

  [[nodiscard]] std::shared_ptr<Event> record() override {
    return std::make_shared<LateEvent>(queue_, &use(), queue_->queued);
  }
  void wait_for(const Event& /*event*/) override {}
  void synchronize() override {
    require<DeviceError>(simt::the_recording == nullptr, "[device] the host cannot wait for what is being recorded");
    use().add_wait(HostWait::kResult);
    queue_->deliver(queue_->queued);
  }

 protected:
  // Another queue of the same device.
  EmulatedDevice(const EmulatedDevice& sibling) : Device(sibling), place_(sibling.place_), limit_(sibling.limit_) {}

 private:
  struct Late {
    void* pinned;
    std::vector<std::byte> bytes;
    int64_t position;
  };
  struct Queue {
    std::mutex mutex;  // guards `late`
    std::deque<Late> late;
    int64_t queued = 0;  // used only by the thread that uses the device
    void deliver(int64_t position) {
      const std::lock_guard lock(mutex);
      for (; !late.empty() && late.front().position <= position; late.pop_front())
        std::ranges::copy(late.front().bytes, static_cast<std::byte*>(late.front().pinned));
    }
  };
  struct RecordedGraph : public DeviceGraph {
    std::vector<simt::Work> work;
    void launch() override {
      for (const simt::Work& piece : work) piece();
    }
  };
  class LateEvent : public Event {
   public:
    LateEvent(std::shared_ptr<Queue> queue, DeviceUse* use, int64_t position)
        : queue_(std::move(queue)), use_(use), position_(position) {}
    [[nodiscard]] bool done() override {
      if (questions_ < kQuestions && ++questions_ < kQuestions) return false;
      queue_->deliver(position_);
      return true;
    }
    void wait(HostWait why) override {
      if (questions_ < kQuestions) use_->add_wait(why);
      questions_ = kQuestions;
      queue_->deliver(position_);
    }

   private:
    static constexpr int kQuestions = 3;
    std::shared_ptr<Queue> queue_;
    DeviceUse* use_;
    int64_t position_;
    int questions_ = 0;
  };

  static std::shared_ptr<void> poisoned(int64_t bytes) {
    constexpr std::align_val_t kAlignment{256};  // CUDA's guarantee
    std::shared_ptr<void> memory(::operator new(static_cast<size_t>(std::max<int64_t>(bytes, 1)), kAlignment),
                                 [](void* old) { ::operator delete(old, kAlignment); });
    std::memset(memory.get(), 0xFF, static_cast<size_t>(bytes));
    return memory;
  }

  std::string place_ = "here";
  std::optional<int64_t> limit_;
  std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
};

}  // namespace polyscene::testing
