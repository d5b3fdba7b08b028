#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/dist/conformance/data.h"
#include "tests/dist/conformance/suite.h"

namespace polyscene::testing {
namespace {

int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

template <class F>
void expect_invalid(const dist::Communicator& communicator, const std::string& wanted, F&& call) {
  try {
    call();
    ADD_FAILURE() << who(communicator) << ": no error, wanted: " << wanted;
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find(wanted), std::string::npos) << error.what() << "\nwanted: " << wanted;
  }
}

}  // namespace

void conformance_identity(dist::Communicator& communicator) {
  EXPECT_GE(communicator.rank(), 0);
  EXPECT_LT(communicator.rank(), communicator.size());
  EXPECT_FALSE(communicator.name().empty());
  const int rank = communicator.rank();
  std::vector<int32_t> ranks(static_cast<size_t>(communicator.size()));
  communicator.all_gather<int32_t>({&rank, 1}, ranks);
  for (int r = 0; r < communicator.size(); ++r) EXPECT_EQ(ranks[static_cast<size_t>(r)], r);
  EXPECT_NO_THROW(communicator.check());

  // Processes host runs of consecutive ranks, each at least one.
  const int process = communicator.process();
  std::vector<int32_t> processes(ranks.size());
  communicator.all_gather<int32_t>({&process, 1}, processes);
  EXPECT_EQ(processes.front(), 0);
  EXPECT_EQ(processes.back(), communicator.processes() - 1);
  for (size_t r = 1; r < processes.size(); ++r) {
    EXPECT_GE(processes[r], processes[r - 1]);
    EXPECT_LE(processes[r], processes[r - 1] + 1);
  }
}

// Nobody leaves before the last one has come: all ranks share one clock here.
void conformance_barrier(dist::Communicator& communicator) {
  for (int late = 0; late < communicator.size(); ++late) {
    if (communicator.rank() == late) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const int64_t entered = now_us();
    communicator.barrier();
    const int64_t left = now_us();
    const std::vector<int64_t> all_entered = communicator.all_gather_v<int64_t>({&entered, 1});
    const std::vector<int64_t> all_left = communicator.all_gather_v<int64_t>({&left, 1});
    EXPECT_LE(*std::max_element(all_entered.begin(), all_entered.end()),
              *std::min_element(all_left.begin(), all_left.end()));
  }
  for (int i = 0; i < 200; ++i) communicator.barrier();
}

// Wrong arguments that a rank can see by itself are refused before anything is sent, and leave the communicator whole.
void conformance_argument_errors(dist::Communicator& communicator) {
  const size_t ranks = static_cast<size_t>(communicator.size());
  const std::string at = str("] rank ", communicator.rank(), ": wanted ");
  std::vector<float> short_buffer(3), long_buffer(3 * ranks + 1);
  expect_invalid(communicator,
                 str("[dist.all_gather", at, "an output of 3 x ", ranks, " elements, got ", 3 * ranks + 1),
                 [&] { communicator.all_gather<float>(short_buffer, long_buffer); });
  expect_invalid(communicator,
                 str("[dist.reduce_scatter", at, "an input of 3 x ", ranks, " elements, got ", 3 * ranks + 1),
                 [&] { communicator.reduce_scatter<float>(long_buffer, short_buffer); });
  expect_invalid(communicator, str("[dist.broadcast", at, "a root in [0, ", ranks, "), got ", ranks),
                 [&] { communicator.broadcast<float>(short_buffer, communicator.size()); });
  expect_invalid(communicator, str("[dist.broadcast", at, "a root in [0, ", ranks, "), got -1"),
                 [&] { communicator.broadcast<float>(short_buffer, -1); });
  const std::vector<int64_t> zeros(ranks, 0), too_many(ranks + 1, 0);
  expect_invalid(communicator, str("[dist.exchange_counts", at, ranks, " counts, one per rank, got ", ranks + 1),
                 [&] { static_cast<void>(communicator.exchange_counts(too_many)); });
  const auto all_to_all = [&](std::span<const int64_t> send, std::span<const int64_t> receive) {
    communicator.all_to_all_v<float>(std::span<const float>(), send, std::span<float>(), receive);
  };
  expect_invalid(communicator, str("[dist.all_to_all_v", at, ranks, " send counts, one per rank, got ", ranks + 1),
                 [&] { all_to_all(too_many, zeros); });
  expect_invalid(communicator, str("[dist.all_to_all_v", at, ranks, " receive counts, one per rank, got ", ranks + 1),
                 [&] { all_to_all(zeros, too_many); });
  std::vector<int64_t> negative = zeros, one = zeros;
  negative.back() = -1;
  one.back() = 1;
  expect_invalid(communicator, str("send counts of at least 0, got -1 for rank ", ranks - 1),
                 [&] { all_to_all(negative, zeros); });
  expect_invalid(communicator, "the send counts add up to 1 elements, but the send buffer has 0",
                 [&] { all_to_all(one, zeros); });
  expect_invalid(communicator, "the receive counts add up to 1 elements, but the receive buffer has 0",
                 [&] { all_to_all(zeros, one); });
  communicator.barrier();
}

}  // namespace polyscene::testing
