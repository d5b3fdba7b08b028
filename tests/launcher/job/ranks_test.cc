// What the launcher hands to each rank, on the host and on the two devices of emulated_cuda.cc.
#include "launcher/job/ranks.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <set>

#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

struct Seen {
  int ranks = 0;  // of the rank's communicator
  const Device* device = nullptr;
  std::string place;
  dist::DeviceTransport transport;
};

// What each rank was handed, by its number.
std::map<int, Seen> run(const launcher::RankOptions& options) {
  std::mutex mutex;
  std::map<int, Seen> all;
  launcher::Ranks(options).run([&](const dist::Rank& rank) {
    Seen seen{.ranks = rank.communicator.size(), .device = nullptr, .place = "host", .transport = {}};
    if (const auto* on = std::get_if<dist::OnDevice>(&rank.runs_on))
      seen = {.ranks = seen.ranks, .device = &on->device, .place = on->device.place(), .transport = on->transport};
    {
      const std::lock_guard lock(mutex);
      all.emplace(rank.communicator.rank(), seen);
    }
    rank.communicator.barrier();  // keeps all devices alive until every rank has one
  });
  return all;
}

std::vector<std::string> places(const std::map<int, Seen>& all) {
  std::vector<std::string> places;
  for (const auto& [rank, seen] : all) places.push_back(seen.place);
  return places;
}

TEST(Ranks, RunOnTheHostUnlessADeviceIsAskedFor) {
  const auto one = run({.threads = 1});
  EXPECT_EQ(places(one), std::vector<std::string>{"host"});
  EXPECT_EQ(one.at(0).ranks, 1);
  const auto three = run({.local_ranks = 3, .threads = 1});
  EXPECT_EQ(places(three), (std::vector<std::string>{"host", "host", "host"}));
  EXPECT_EQ(three.at(2).ranks, 3);
}

TEST(Ranks, TakeTheDevicesOfTheHostInTurn) {
  EXPECT_EQ(places(run({.local_ranks = 3, .threads = 1, .cuda = true})),
            (std::vector<std::string>{"emulated 0", "emulated 1", "emulated 0"}));
}

TEST(Ranks, ThatAreVirtualShareTheDeviceOfTheirRealRankEachWithItsQueue) {
  const auto all = run({.local_ranks = 2, .virtual_ranks = 4, .threads = 1, .cuda = true});
  EXPECT_EQ(places(all), (std::vector<std::string>{"emulated 0", "emulated 0", "emulated 1", "emulated 1"}));
  std::set<const Device*> devices;
  for (const auto& [rank, seen] : all) devices.insert(seen.device);
  EXPECT_EQ(devices.size(), 4u);
}

TEST(Ranks, OnDevicesHaveTheTransportAndItsDeadline) {
  const auto all =
      run({.threads = 1, .deadline_s = 7, .transport = dist::DeviceTransport::Kind::kStaged, .cuda = true});
  EXPECT_EQ(all.at(0).transport.kind, dist::DeviceTransport::Kind::kStaged);
  EXPECT_EQ(all.at(0).transport.deadline, std::chrono::seconds(7));
}

TEST(Ranks, OnTheHostHaveNoTransportToChoose) {
  EXPECT_EQ(message_of([] { const launcher::Ranks ranks({.transport = dist::DeviceTransport::Kind::kStaged}); }),
            "[launcher] --transport applies to GPUs, but the model runs on the CPU; add --device cuda, or leave out "
            "--transport");
}

}  // namespace
}  // namespace polyscene::testing
