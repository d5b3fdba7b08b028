// What of a lookup goes beside the step before: keys travel between the hosts and to the device on a queue of their
// own.
#include <gtest/gtest.h>

#include <numeric>

#include "dist/world.h"
#include "embedding/device/device_lookup.h"
#include "tests/support/emulator/emulated_device.h"

namespace polyscene::testing {
namespace {

// What was asked of the queues of a device, in order.
struct Asked {
  enum class What : uint8_t { kWork, kCopyIn, kRecord, kWait } what;
  int queue = 0;      // 0: the one that computes
  int64_t bytes = 0;  // of a copy
  int64_t event = 0;  // recorded, or waited for: its place in this list
};

class WatchedDevice : public EmulatedDevice {
 public:
  WatchedDevice() : asked_(std::make_shared<std::vector<Asked>>()) {}
  [[nodiscard]] std::vector<Asked>& asked() { return *asked_; }

  [[nodiscard]] std::shared_ptr<Device> with_own_queue() override {
    return std::shared_ptr<WatchedDevice>(new WatchedDevice(*this, ++*queues_));
  }
  [[nodiscard]] Stream stream() const override {
    asked_->push_back({.what = Asked::What::kWork, .queue = queue_});
    return EmulatedDevice::stream();
  }
  void copy_in(void* device, const void* host, int64_t bytes) override {
    asked_->push_back({.what = Asked::What::kCopyIn, .queue = queue_, .bytes = bytes});
    EmulatedDevice::copy_in(device, host, bytes);
  }
  [[nodiscard]] std::shared_ptr<Event> record() override {
    auto event = std::make_shared<Numbered>();
    event->behind = EmulatedDevice::record();
    event->number = static_cast<int64_t>(asked_->size());
    asked_->push_back({.what = Asked::What::kRecord, .queue = queue_, .event = event->number});
    return event;
  }
  void wait_for(const Event& event) override {
    asked_->push_back(
        {.what = Asked::What::kWait, .queue = queue_, .event = dynamic_cast<const Numbered&>(event).number});
  }

 private:
  struct Numbered : public Event {
    [[nodiscard]] bool done() override { return behind->done(); }
    void wait(HostWait why) override { behind->wait(why); }
    std::shared_ptr<Event> behind;
    int64_t number = 0;
  };

  WatchedDevice(const WatchedDevice& sibling, int queue)
      : EmulatedDevice(sibling), asked_(sibling.asked_), queues_(sibling.queues_), queue_(queue) {}

  std::shared_ptr<std::vector<Asked>> asked_;
  std::shared_ptr<int> queues_ = std::make_shared<int>(0);
  int queue_ = 0;
};

class KeyExchange : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, KeyExchange, ::testing::Values(1, 2));

TEST_P(KeyExchange, GoesBesideTheStepBefore) {
  using What = Asked::What;
  dist::run_local_ranks(GetParam(), [](dist::Communicator& communicator) {
    WatchedDevice device;
    const auto staged = make_staged_communicator(communicator, device);
    embedding::DeviceTables tables(device, {.host = communicator, .device = *staged}, {{.name = "t", .dim = 4}}, {});
    embedding::DeviceLookup lookup(tables);
    DeviceBuffer<float> gradients(device, "gradients");
    std::vector<int64_t> keys(400);
    std::vector<int32_t> index(keys.size());
    std::iota(keys.begin(), keys.end(), 0);
    const embedding::KeyBlock block{.table = 0, .keys = keys, .index = index};
    embedding::UniqueKeys unique;
    embedding::Deduplicator(tables.layout()).run({&block, 1}, unique);

    std::vector<Asked>& asked = device.asked();
    std::vector<size_t> begins;  // of lookups, in `asked`
    int64_t waits = 0;
    for (int step = 0; step < 5; ++step) {
      begins.push_back(asked.size());
      waits = device.use().waits(HostWait::kResult);
      lookup.lookup(unique, embedding::LookupMode::kTrain);
      waits = device.use().waits(HostWait::kResult) - waits;
      const TensorView gradient{gradients.resize_cleared(400 * 4), DType::kFloat32, {400, 4}};
      lookup.update({&gradient, 1});
    }

    // The copy of the keys waits for one thing: that the step before the last one is done with that memory.
    const size_t begin = begins.back(), before = begins[begins.size() - 2];
    const auto first_work = [&](size_t from) {
      while (asked[from].what != What::kWork || asked[from].queue != 0) ++from;
      return static_cast<int64_t>(from);
    };
    int64_t copied = 0, waited = 0;
    for (size_t i = begin; i < asked.size(); ++i) {
      if (asked[i].queue == 0) {
        // What is copied there before the rows are: the descriptions of spans.
        if (asked[i].what == What::kCopyIn && static_cast<int64_t>(i) < first_work(begin)) {
          EXPECT_LT(asked[i].bytes, 100);
        }
        continue;
      }
      if (asked[i].what == What::kCopyIn) copied += asked[i].bytes;
      if (asked[i].what != What::kWait) continue;
      ++waited;
      EXPECT_LT(asked[i].event, first_work(before)) << "an event behind the step before";
    }
    EXPECT_EQ(waited, 1);
    EXPECT_EQ(copied, lookup.last().keys_received * 8);
    // What computes waits for the copy before it looks the keys up.
    bool ordered = false;
    for (auto i = static_cast<int64_t>(begin); i < first_work(begin); ++i) {
      const Asked& a = asked[static_cast<size_t>(i)];
      ordered = ordered || (a.what == What::kWait && a.queue == 0 && asked[static_cast<size_t>(a.event)].queue != 0);
    }
    EXPECT_TRUE(ordered);
    // Staged, the host waits for the device once, to send the rows.
    EXPECT_EQ(waits, communicator.size() == 1 ? 0 : 1);
  });
}

}  // namespace
}  // namespace polyscene::testing
