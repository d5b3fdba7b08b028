// The emulated device as NCCL's stand-in sees it: a queue with a name, and events that are never reached behind an
// operation that hangs, from whichever thread they are asked.
#pragma once

#include <chrono>
#include <thread>

#include "tests/dist/nccl/stand_in.h"
#include "tests/support/emulator/emulated_device.h"

namespace polyscene::testing {

class StandInDevice final : public EmulatedDevice {
 public:
  [[nodiscard]] Stream stream() const override { return {.handle = name_.get()}; }
  [[nodiscard]] std::shared_ptr<Event> record() override { return std::make_shared<StandInEvent>(name_, use()); }
  void synchronize() override { record()->wait(); }

 private:
  class StandInEvent final : public Event {
   public:
    StandInEvent(std::shared_ptr<char> name, DeviceUse& use)
        : name_(std::move(name)), reached_at_once_(!nccl_stand_in_hangs(name_.get())), use_(use) {}
    [[nodiscard]] bool done() override { return reached_at_once_ || !nccl_stand_in_hangs(name_.get()); }
    void wait(HostWait why) override {
      if (!done()) use_.add_wait(why);
      while (!done()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }

   private:
    std::shared_ptr<char> name_;
    bool reached_at_once_;
    DeviceUse& use_;
  };

  std::shared_ptr<char> name_ = std::make_shared<char>();
};

}  // namespace polyscene::testing
