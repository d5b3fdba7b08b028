// Jobs of local ranks that fail.
#include <gtest/gtest.h>

#include <thread>

#include "dist/world.h"
#include "tests/dist/failure/scenario.h"

namespace polyscene::dist {
namespace {

using testing::run_on_local_ranks;
using testing::Scenario;
using testing::scenarios;

class LocalFailure : public ::testing::TestWithParam<size_t> {};

TEST_P(LocalFailure, EndsAllRanks) {
  const Scenario& scenario = scenarios()[GetParam()];
  scenario.check(run_on_local_ranks(scenario));
}

INSTANTIATE_TEST_SUITE_P(Scenarios, LocalFailure, ::testing::Range(size_t{0}, scenarios().size()),
                         [](const auto& instance) { return scenarios()[instance.param].name; });

// Nobody waits, nobody throws, and still the run has not worked.
TEST(LocalRanks, AbortIsAnErrorEvenIfNobodyWaits) {
  try {
    run_local_ranks(2, [](Communicator& communicator) {
      if (communicator.rank() == 1) communicator.abort("out of patience");
    });
    FAIL() << "no error";
  } catch (const CommunicationError& error) {
    EXPECT_STREQ(error.what(), "[dist.abort] rank 1: out of patience");
  }
}

// A rank that fails while others still read its buffer must not free it under their hands. The reader of a long buffer
// is kept busy; the sanitizers see a read of freed memory.
TEST(LocalRanks, BuffersOutliveTheirReaders) {
  for (int round = 0; round < 20; ++round) {
    EXPECT_THROW(run_local_ranks(3,
                                 [round](Communicator& communicator) {
                                   if (communicator.rank() == 2) {
                                     const auto part = communicator.split(1);
                                     std::this_thread::sleep_for(std::chrono::microseconds(100 * round));
                                     throw DataError("bad record");
                                   }
                                   const auto part = communicator.split(0);
                                   for (;;) {
                                     std::vector<float> mine(1 << 16), all(2 << 16);
                                     part->all_gather<float>(mine, all);
                                   }
                                 }),
                 DataError);
  }
}

// The world is forgotten with its run: the next one starts whole.
TEST(LocalRanks, RunAgainAfterAFailure) {
  EXPECT_THROW(run_local_ranks(2, [](Communicator&) { throw DataError("once"); }), DataError);
  run_local_ranks(2, [](Communicator& communicator) { communicator.barrier(); });
}

}  // namespace
}  // namespace polyscene::dist
