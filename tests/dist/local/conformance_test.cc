// The conformance suite with ranks as threads.
#include <gtest/gtest.h>

#include <atomic>

#include "dist/call.h"
#include "dist/device/staged.h"
#include "dist/local/communicator.h"
#include "dist/mpi/communicator.h"
#include "dist/world.h"
#include "ops/base/thread.h"
#include "tests/dist/conformance/suite.h"

namespace polyscene::dist {
namespace {

using testing::conformance_cases;
using testing::ConformanceCase;

class LocalConformance : public ::testing::TestWithParam<std::tuple<int, size_t>> {};

TEST_P(LocalConformance, Passes) {
  const auto& [ranks, index] = GetParam();
  run_local_ranks(ranks, conformance_cases()[index].run, {.deadline = std::chrono::seconds(120)});
}

INSTANTIATE_TEST_SUITE_P(Ranks, LocalConformance,
                         ::testing::Combine(::testing::Values(1, 2, 3, 4, 7),
                                            ::testing::Range(size_t{0}, conformance_cases().size())),
                         [](const auto& instance) {
                           return conformance_cases()[std::get<1>(instance.param)].name + "_on_" +
                                  std::to_string(std::get<0>(instance.param));
                         });

// Operations without types pass no checks: callers have the typed ones, and implementations hide theirs.
template <class C>
concept OffersUntypedCalls = requires(C& c, void* data) {
  c.do_broadcast(data, size_t{8}, 0);
}
|| requires(C& c, void* data) { c.do_all_gather(data, data, size_t{8}); }
|| requires(C& c, void* data) { c.do_all_reduce(data, size_t{1}, DType::kFloat32, ReduceOp::kSum); }
|| requires(C& c) { c.do_exchange_counts({}); }
|| requires(C& c, const Call& call) { c.do_meet(call, {}, {}); }
|| requires(C& c) { typename C::Untyped; };
struct CallsWithoutTypes {
  void do_broadcast(void* data, size_t bytes, int root);
};
static_assert(OffersUntypedCalls<CallsWithoutTypes>);
static_assert(!OffersUntypedCalls<Communicator>);
static_assert(!OffersUntypedCalls<LocalCommunicator>);
static_assert(!OffersUntypedCalls<MpiCommunicator>);
static_assert(!OffersUntypedCalls<StagedCommunicator>);

TEST(SingleWorld, PassesTheConformanceSuite) {
  for (const ConformanceCase& each : conformance_cases()) {
    SCOPED_TRACE(each.name);
    each.run(*make_single_world());
  }
}

TEST(SingleWorld, IsWhatAnMpiWorldIsWithoutMpirun) {
  ASSERT_FALSE(started_by_mpi());
  EXPECT_EQ(make_mpi_world()->size(), 1);
  int ran = 0;
  run_mpi_rank([&](Communicator& communicator) { ran += communicator.size(); });
  EXPECT_EQ(ran, 1);
}

TEST(LocalRanks, AreWhatRanksOfAnMpiJobAreWithoutMpirun) {
  std::atomic<int> ran = 0;
  run_mpi_ranks(3, [&](Communicator& communicator) {
    EXPECT_EQ(communicator.name(), "local");
    ran += communicator.size();
  });
  EXPECT_EQ(ran, 9);
}

TEST(LocalRanks, ShareTheProcessors) {
  run_local_ranks(2, [](Communicator&) { EXPECT_EQ(thread_count(), std::max(1, available_processors() / 2)); });
}

TEST(LocalRanks, WantAtLeastOne) {
  EXPECT_THROW(run_local_ranks(0, [](Communicator&) {}), InvalidArgument);
}

}  // namespace
}  // namespace polyscene::dist
