// Buckets of gradients on a queue of their own: what waits for what, and that the host does not.
#include "dist/data_parallel/side_queue.h"

#include <gtest/gtest.h>

#include "dist/data_parallel/gradient_buckets.h"
#include "tests/dist/conformance/data.h"
#include "tests/dist/nccl/stand_in_ranks.h"

namespace polyscene::testing {
namespace {

// Writes down what its queues do.
class LoggedDevice final : public EmulatedDevice {
 public:
  LoggedDevice(std::string queue, std::vector<std::string>& log) : queue_(std::move(queue)), log_(log) {}

  [[nodiscard]] std::shared_ptr<Device> with_own_queue() override {
    return std::make_shared<LoggedDevice>("side", log_);
  }
  void copy(void* to, const void* from, int64_t bytes) override {
    log_.push_back(queue_ + " copies");
    EmulatedDevice::copy(to, from, bytes);
  }
  [[nodiscard]] std::shared_ptr<Event> record() override {
    return std::make_shared<Named>(queue_ + " at " + std::to_string(log_.size()));
  }
  void wait_for(const Event& event) override {
    log_.push_back(queue_ + " waits for " + dynamic_cast<const Named&>(event).name);
  }

 private:
  struct Named final : Event {
    explicit Named(std::string text) : name(std::move(text)) {}
    bool done() override { return true; }
    void wait(HostWait) override {}
    std::string name;
  };
  std::string queue_;
  std::vector<std::string>& log_;
};

TEST(SideQueue, QueuesWaitForOneAnother) {
  std::vector<std::string> log;
  LoggedDevice compute("compute", log);
  dist::SideQueue side(compute);
  int a = 1, b = 2;
  compute.copy(&a, &b, sizeof(a));
  side.begin();
  side.device().copy(&b, &a, sizeof(a));
  side.end();
  compute.copy(&a, &b, sizeof(a));
  EXPECT_EQ(log, (std::vector<std::string>{"compute copies", "side waits for compute at 1", "side copies",
                                           "compute waits for side at 3", "compute copies"}));
}

TEST(SideQueue, SumsBucketsWithoutAWaitOfTheHost) {
  nccl_stand_in_reset();
  constexpr size_t kElements = 103;
  const auto body = [](dist::Communicator& host) {
    EmulatedDevice compute;
    dist::SideQueue side(compute);
    const auto nccl = make_nccl_communicator(host, side.device(), stand_in_options(std::chrono::seconds(60)));
    const std::vector<float> mine = values<float>(9, host.rank(), kElements);
    const auto memory = compute.allocate(kElements * sizeof(float), "gradients");
    const std::span<float> gradients(static_cast<float*>(memory.get()), kElements);
    dist::GradientBuckets buckets(kElements, DType::kFloat32, 100);
    for (int64_t bucket = 0; bucket < buckets.count(); ++bucket) {
      const auto [begin, end] = buckets.range(bucket);
      compute.copy_in(gradients.data() + begin, mine.data() + begin, (end - begin) * int64_t{sizeof(float)});
      side.begin();
      buckets.all_reduce_bucket(*nccl, gradients, bucket);
    }
    side.end();
    EXPECT_EQ(side.device().use().waits(HostWait::kResult), 0);
    std::vector<float> sums(kElements);
    compute.copy_out(sums.data(), memory.get(), kElements * sizeof(float));
    nccl->check();
    EXPECT_TRUE(same_bits(sums, reduced<float>(9, host.size(), kElements, dist::ReduceOp::kSum)));
  };
  dist::run_local_ranks(2, body, {.deadline = std::chrono::seconds(60)});
}

}  // namespace
}  // namespace polyscene::testing
