#include <gtest/gtest.h>

#include <exception>
#include <thread>

#include "tests/dist/conformance/data.h"
#include "tests/dist/conformance/suite.h"

namespace polyscene::testing {
namespace {

// The members, as ranks of the communicator that was split, in the order of their new ranks.
std::vector<int32_t> members(dist::Communicator& part, int old_rank) {
  const int32_t mine = old_rank;
  return part.all_gather_v<int32_t>({&mine, 1});
}

template <class Colour>
void check_split(dist::Communicator& communicator, Colour colour) {
  const std::unique_ptr<dist::Communicator> part = communicator.split(colour(communicator.rank()));
  std::vector<int32_t> wanted;
  for (int r = 0; r < communicator.size(); ++r) {
    if (colour(r) == colour(communicator.rank())) wanted.push_back(r);
  }
  EXPECT_EQ(part->size(), static_cast<int>(wanted.size()));
  EXPECT_EQ(wanted[static_cast<size_t>(part->rank())], communicator.rank());
  EXPECT_EQ(part->name(), communicator.name());
  EXPECT_EQ(members(*part, communicator.rank()), wanted);
  communicator.barrier();  // the old one still works beside the new
  EXPECT_EQ(members(*part, communicator.rank()), wanted);
}

void reduce_often(dist::Communicator& communicator, uint64_t seed) {
  for (uint64_t i = 0; i < 20; ++i) {
    std::vector<double> data = values<double>(seed + i, communicator.rank(), 2500);
    communicator.all_reduce<double>(data);
    EXPECT_TRUE(same_bits(data, reduced<double>(seed + i, communicator.size(), 2500, dist::ReduceOp::kSum)));
  }
}

}  // namespace

void conformance_split(dist::Communicator& communicator) {
  check_split(communicator, [](int) { return 0; });
  check_split(communicator, [](int rank) { return rank; });
  check_split(communicator, [](int rank) { return rank % 2; });
  check_split(communicator, [](int rank) { return rank < 2 ? -7 : 1'000'000'000; });
  for (int i = 0; i < 20; ++i) check_split(communicator, [i](int rank) { return (rank + i) % 3; });
}

void conformance_split_nested(dist::Communicator& communicator) {
  const std::unique_ptr<dist::Communicator> half = communicator.split(communicator.rank() % 2);
  const std::unique_ptr<dist::Communicator> quarter = half->split(half->rank() % 2);
  const std::unique_ptr<dist::Communicator> rows = communicator.split(communicator.rank() / 2);
  conformance_all_gather_v(*quarter);
  conformance_reduce_scatter(*half);
  conformance_all_to_all_v(*rows);
  conformance_split(*half);
  communicator.barrier();
}

// Threads of one rank may use different communicators at the same time.
void conformance_concurrent_communicators(dist::Communicator& communicator) {
  const std::unique_ptr<dist::Communicator> first = communicator.split(0), second = communicator.split(0);
  std::thread other([&] {
    try {
      reduce_often(*second, 1000);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  });
  reduce_often(*first, 2000);
  other.join();
  communicator.barrier();
}

}  // namespace polyscene::testing
