#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include "tests/dist/conformance/data.h"
#include "tests/dist/conformance/suite.h"

namespace polyscene::testing {
namespace {

constexpr int kSteps = 100;

// All ranks draw from one sequence and so choose the same operations; lengths are often 0, sometimes long.
class RandomCalls {
 public:
  explicit RandomCalls(uint64_t seed) : seed_(seed), draw_(seed) {}

  void run(dist::Communicator& world) {
    const std::unique_ptr<dist::Communicator> half = world.split(world.rank() % 2);
    for (step_ = 0; step_ < kSteps; ++step_) {
      const bool whole = draw_.next_below(3) != 0;
      call(whole ? world : *half, static_cast<int>(draw_.next_below(7)));
    }
  }

 private:
  size_t length() {
    constexpr uint64_t kBounds[] = {1, 4, 100, 9000};
    return draw_.next_below(kBounds[draw_.next_below(4)]);
  }
  uint64_t data_seed() const { return mix64(seed_ + static_cast<uint64_t>(step_)); }

  void call(dist::Communicator& communicator, int kind) {
    SCOPED_TRACE(str(who(communicator), ", seed ", seed_, ", step ", step_, ", kind ", kind));
    const size_t count = length();
    const uint64_t pick = draw_.next_u32();
    switch (kind) {
      case 0:
        return communicator.barrier();
      case 1:
        return all_reduce<float>(communicator, count, static_cast<dist::ReduceOp>(pick % 3));
      case 2:
        return all_reduce<int64_t>(communicator, count, static_cast<dist::ReduceOp>(pick % 3));
      case 3:
        return reduce_scatter(communicator, count);
      case 4:
        return broadcast(communicator, count, static_cast<int>(pick % static_cast<uint64_t>(communicator.size())));
      case 5:
        return all_gather_v(communicator, count);
      default:
        return all_to_all(communicator, count);
    }
  }

  template <class T>
  void all_reduce(dist::Communicator& communicator, size_t count, dist::ReduceOp op) {
    std::vector<T> data = values<T>(data_seed(), communicator.rank(), count);
    communicator.all_reduce<T>(data, op);
    EXPECT_TRUE(same_bits(data, reduced<T>(data_seed(), communicator.size(), count, op)));
  }

  void reduce_scatter(dist::Communicator& communicator, size_t count) {
    const size_t total = count * static_cast<size_t>(communicator.size());
    const std::vector<double> input = values<double>(data_seed(), communicator.rank(), total);
    const std::vector<double> all = reduced<double>(data_seed(), communicator.size(), total, dist::ReduceOp::kSum);
    std::vector<double> output(count);
    communicator.reduce_scatter<double>(input, output);
    EXPECT_TRUE(
        same_bits(std::span<const double>(output),
                  std::span<const double>(all).subspan(static_cast<size_t>(communicator.rank()) * count, count)));
  }

  void broadcast(dist::Communicator& communicator, size_t count, int root) {
    std::vector<uint8_t> data = values<uint8_t>(data_seed(), communicator.rank(), count);
    communicator.broadcast<uint8_t>(data, root);
    EXPECT_TRUE(same_bits(data, values<uint8_t>(data_seed(), root, count)));
  }

  void all_gather_v(dist::Communicator& communicator, size_t count) {
    const auto of = [&](int r) { return values<int32_t>(data_seed(), r, count * static_cast<size_t>(r) / 2); };
    std::vector<int32_t> wanted;
    for (int r = 0; r < communicator.size(); ++r) {
      for (const int32_t x : of(r)) wanted.push_back(x);
    }
    EXPECT_EQ(communicator.all_gather_v<int32_t>(of(communicator.rank())), wanted);
  }

  void all_to_all(dist::Communicator& communicator, size_t count) {
    const auto of = [&](int from, int to) {
      const size_t n = value<uint32_t>(data_seed(), from * 64 + to, 0) % (count + 1);
      return values<float>(data_seed(), from * 64 + to, n);
    };
    std::vector<float> input, wanted;
    std::vector<int64_t> send;
    for (int r = 0; r < communicator.size(); ++r) {
      const std::vector<float> to = of(communicator.rank(), r), from = of(r, communicator.rank());
      send.push_back(static_cast<int64_t>(to.size()));
      input.insert(input.end(), to.begin(), to.end());
      wanted.insert(wanted.end(), from.begin(), from.end());
    }
    std::vector<float> output(wanted.size());
    communicator.all_to_all_v<float>(input, send, output, communicator.exchange_counts(send));
    EXPECT_TRUE(same_bits(output, wanted));
  }

  uint64_t seed_;
  PhiloxStream draw_;
  int step_ = 0;
};

// A new seed every time, printed; POLYSCENE_TEST_SEED repeats one.
uint64_t fresh_seed() {
  const char* given = std::getenv("POLYSCENE_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
}

}  // namespace

void conformance_random_sequence(dist::Communicator& communicator) {
  int64_t seed = static_cast<int64_t>(fresh_seed());
  communicator.broadcast<int64_t>({&seed, 1}, 0);
  if (communicator.rank() == 0) std::cout << "random_sequence: POLYSCENE_TEST_SEED=" << seed << std::endl;
  RandomCalls(static_cast<uint64_t>(seed)).run(communicator);
}

}  // namespace polyscene::testing
