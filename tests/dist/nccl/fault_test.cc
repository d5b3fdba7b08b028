// Faults of NCCL and of devices, over NCCL's stand-in: every rank ends with the right message, and no communicator is
// left. The watch is the thread that watches a rank's communicators (dist/nccl/watch.h).
#include <gtest/gtest.h>

#include <thread>

#include "tests/dist/failure/scenario.h"
#include "tests/dist/nccl/stand_in_ranks.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds kShort(0.3);
const std::string kLookAt = "; look at what the other ranks were doing, or raise --deadline if they are only slow";

class NcclFault : public ::testing::Test {
 protected:
  void SetUp() override { nccl_stand_in_reset(); }
};

void reduce(dist::Communicator& communicator, size_t count = 10) {
  std::vector<int32_t> data(count);
  communicator.all_reduce<int32_t>(data);
}

// Calls check(), which throws once the communicator is broken, for at most kLate. No collective is called.
void wait_for_failure(dist::Communicator& communicator) {
  for (const auto start = std::chrono::steady_clock::now(); std::chrono::steady_clock::now() - start < kLate;) {
    communicator.check();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

// Live communicators of NCCL, once those that are still being aborted are gone.
int left_over() {
  for (int i = 0; i < 1000 && nccl_stand_in_counts().live > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return nccl_stand_in_counts().live;
}

enum class Meeting : uint8_t { kNone, kBeforeEachCall };  // of the hosts, NcclOptions::meet_first

Outcome run_faulty(int ranks, Meeting meeting, const std::function<void(dist::Communicator&)>& body) {
  dist::NcclOptions options = stand_in_options(kShort);
  options.meet_first = meeting == Meeting::kBeforeEachCall;
  const Scenario scenario{.name = "", .ranks = ranks, .body = body, .check = {}};
  const Outcome outcome =
      run_on_local_ranks(scenario, [&](dist::Communicator& host, const auto& run) { with_nccl(host, options, run); });
  EXPECT_LT(outcome.seconds, 15.0);
  EXPECT_EQ(left_over(), 0);
  return outcome;
}

// Expects that one rank failed with `text`, in which %d stands for its number, and that the others say that they
// stopped because of it.
void expect_one_origin(const Outcome& outcome, const std::string& text) {
  const auto ranks = outcome.errors.size();
  const auto said_by = [&](size_t rank) {
    std::string own = text;
    return own.replace(own.find("%d"), 2, std::to_string(rank));
  };
  size_t origin = 0;
  while (origin < ranks && outcome.errors[origin] != said_by(origin)) ++origin;
  ASSERT_LT(origin, ranks) << "nobody said " << text << "\n" << outcome.errors[0] << "\n" << outcome.errors[1];
  for (size_t rank = 0; rank < ranks; ++rank) {
    if (rank == origin) continue;
    const std::string echo =
        str("rank ", rank, " of ", ranks, " stopped because rank ", origin, " of the world failed: ", said_by(origin));
    const bool same = outcome.errors[rank] == said_by(rank);  // ranks may fail at the same time
    EXPECT_TRUE(same || outcome.errors[rank].find(echo) != std::string::npos) << outcome.errors[rank];
  }
  EXPECT_EQ(outcome.exit_code, 5);
}

// NCCL's error comes after the call that caused it, and no call follows on the rank that has it.
TEST_F(NcclFault, AnAsynchronousErrorBreaksAllRanks) {
  nccl_stand_in_fail_at(/*rank=*/1, /*operation=*/2);
  const Outcome outcome = run_faulty(3, Meeting::kBeforeEachCall, [](dist::Communicator& nccl) {
    reduce(nccl);
    reduce(nccl);
    wait_for_failure(nccl);
  });
  const std::string text =
      "[dist.nccl] rank 1 of 3: NCCL reports remote rank failed: a fault that was asked for; set NCCL_DEBUG=INFO for "
      "details";
  EXPECT_EQ(outcome.errors[1], text);
  for (const size_t rank : {0, 2})
    EXPECT_NE(outcome.errors[rank].find(" stopped because rank 1 of the world failed: " + text), std::string::npos)
        << outcome.errors[rank];
  EXPECT_EQ(outcome.exit_code, 5);
}

// The next call may come before the watch has seen the error.
TEST_F(NcclFault, AnErrorIsPassedOnByTheNextCall) {
  nccl_stand_in_fail_at(/*rank=*/-1, /*operation=*/1);
  const Outcome outcome = run_faulty(2, Meeting::kBeforeEachCall, [](dist::Communicator& nccl) {
    for (;;) reduce(nccl);
  });
  for (const std::string& error : outcome.errors)
    EXPECT_NE(error.find("remote rank failed: a fault that was asked for; set NCCL_DEBUG=INFO for details"),
              std::string::npos)
        << error;
}

// A call only queues work, so it has returned when the kernel hangs. The host's wait for the device ends at the
// deadline with an error, because the result is not valid.
TEST_F(NcclFault, AKernelThatHangsIsAbortedAtTheDeadline) {
  nccl_stand_in_hang_at(/*rank=*/-1, /*operation=*/2);
  const Outcome outcome = run_faulty(2, Meeting::kBeforeEachCall, [](dist::Communicator& nccl) {
    for (int i = 0; i < 3; ++i) reduce(nccl);
  });
  expect_one_origin(outcome,
                    "[dist.all_reduce] rank %d of 2 waited 0.3 s for its device to end call 2, "
                    "all_reduce(10 x int32, sum)" +
                        kLookAt);
}

TEST_F(NcclFault, WithoutMeetingARankThatDoesNotComeEndsAtTheDeadline) {
  const Outcome outcome = run_faulty(2, Meeting::kNone, [](dist::Communicator& nccl) {
    if (nccl.rank() == 1) return wait_for_failure(nccl);
    reduce(nccl);
  });
  const std::string text =
      "[dist.all_reduce] rank 0 of 2 waited 0.3 s for NCCL to take all_reduce(10 x int32, sum)" + kLookAt;
  EXPECT_EQ(outcome.errors[0], text);
  EXPECT_EQ(outcome.errors[1], "[dist.check] rank 1 of 2 stopped because rank 0 of the world failed: " + text);
  EXPECT_EQ(outcome.exit_code, 5);
}

TEST_F(NcclFault, WithoutMeetingNcclRefusesMismatchedCalls) {
  const Outcome outcome = run_faulty(2, Meeting::kNone, [](dist::Communicator& nccl) { reduce(nccl, 10); });
  EXPECT_EQ(outcome.exit_code, 0);
  const Outcome unlike = run_faulty(
      2, Meeting::kNone, [](dist::Communicator& nccl) { nccl.rank() == 0 ? reduce(nccl, 10) : reduce(nccl, 9); });
  const std::string said = unlike.errors[0] + unlike.errors[1];
  EXPECT_NE(said.find("invalid usage: ranks that make different calls; set NCCL_DEBUG=INFO for details"),
            std::string::npos)
      << said;
  EXPECT_EQ(unlike.exit_code, 5);
}

TEST_F(NcclFault, WithoutMeetingCountsOfARankToItselfMustMatch) {
  const Outcome outcome = run_faulty(2, Meeting::kNone, [](dist::Communicator& nccl) {
    const int64_t send[] = {1, 1}, receive[] = {nccl.rank() == 0 ? 2 : 1, 1};
    const std::vector<int32_t> input(2);
    std::vector<int32_t> output(static_cast<size_t>(receive[0] + receive[1]));
    nccl.all_to_all_v<int32_t>(input, send, output, receive);
  });
  const std::string text =
      "[dist.all_to_all_v] rank 0 of 2: rank 0 sends 1 elements but rank 0 wants 2 from it; send and receive counts "
      "must "
      "agree pairwise";
  EXPECT_EQ(outcome.errors[0], text);
  EXPECT_EQ(outcome.errors[1], "[dist.check] rank 1 of 2 stopped because rank 0 of the world failed: " + text);
  EXPECT_EQ(outcome.exit_code, 2);
}

TEST_F(NcclFault, NcclThatDoesNotStartEndsAtTheDeadline) {
  nccl_stand_in_never_start();
  const Outcome outcome = run_faulty(2, Meeting::kBeforeEachCall, [](dist::Communicator&) {});
  expect_one_origin(outcome, "[dist.connect] rank %d of 2 waited 0.3 s for NCCL to take connect()" + kLookAt);
}

// Rank 0 destroys its communicator, rank 1 does not. Both are aborted at the deadline, without an error.
TEST_F(NcclFault, ACommunicatorThatAPeerKeepsIsAbortedAtTheDeadline) {
  StandInDevice device;
  dist::run_local_ranks(2, [&](dist::Communicator& host) {
    auto nccl = make_nccl_communicator(host, device, stand_in_options(kShort));
    if (host.rank() == 0) nccl.reset();
    host.barrier();
  });
  EXPECT_EQ(left_over(), 0);
  EXPECT_EQ(nccl_stand_in_counts().aborted, 2);
}

// An abort may wait for dead ranks, so no rank waits for it.
TEST_F(NcclFault, AnAbortThatDoesNotComeBackIsLeftBehind) {
  nccl_stand_in_hold_aborts(true);
  const auto start = std::chrono::steady_clock::now();
  StandInDevice device;
  ::testing::internal::CaptureStderr();
  EXPECT_THROW(dist::run_local_ranks(2,
                                     [&](dist::Communicator& host) {
                                       const auto nccl = make_nccl_communicator(host, device, stand_in_options(kShort));
                                       if (host.rank() == 1) throw DataError("bad record");
                                       nccl->barrier();
                                     }),
               DataError);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find(
                "[dist.nccl] NCCL does not return from aborting a communicator; its resources are not freed"),
            std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10 * kShort);
  EXPECT_EQ(nccl_stand_in_counts().live, 2);
  nccl_stand_in_hold_aborts(false);
  EXPECT_EQ(left_over(), 0);
}

// A device whose work fails after it was queued, so that the watch sees the error first.
class FailingDevice final : public EmulatedDevice {
 public:
  [[nodiscard]] std::shared_ptr<Event> record() override {
    struct Failed final : Event {
      bool done() override { throw DeviceError("[device] an illegal memory access"); }
      void wait(HostWait) override {}
    };
    return std::make_shared<Failed>();
  }
};

TEST_F(NcclFault, AnErrorOfTheDeviceBreaksAllRanks) {
  FailingDevice device;
  const std::string message = message_of<CommunicationError>([&] {
    dist::run_local_ranks(2, [&](dist::Communicator& host) {
      const auto nccl = make_nccl_communicator(host, device, stand_in_options(kShort));
      const auto memory = device.allocate(40, "a test");
      nccl->broadcast(std::span<int32_t>(static_cast<int32_t*>(memory.get()), 10), 0);
      wait_for_failure(*nccl);
    });
  });
  EXPECT_EQ(message, "[device] an illegal memory access");
  EXPECT_EQ(left_over(), 0);
}

}  // namespace
}  // namespace polyscene::testing
