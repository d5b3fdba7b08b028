// Two processes that host two ranks each: errors name the processes, which users started, and not the ranks.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "core/session/together.h"
#include "core/train/open_source.h"
#include "dist/place.h"
#include "dist/world.h"
#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

constexpr int kRanks = 4;
constexpr dist::CommunicatorOptions kOptions{.deadline = std::chrono::seconds(60)};

std::string process_here(int process) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return str("rank ", process, " on host ", host.data());
}

void on_ranks(const std::function<void(dist::Communicator&)>& body) { run_mpi_ranks(kRanks, body, kOptions); }

TEST(Processes, APlaceIsThatOfTheProcess) {
  on_ranks([](dist::Communicator& communicator) {
    EXPECT_EQ(started_rank(communicator), str("rank ", communicator.rank() / 2));
    EXPECT_EQ(started_place(communicator), process_here(communicator.rank() / 2));
  });
}

// What each rank says when ranks fail with these words, "" being none.
void expect_said(const std::array<std::string, kRanks>& fails, const std::array<std::string, kRanks>& says) {
  on_ranks([&](dist::Communicator& communicator) {
    const auto rank = static_cast<size_t>(communicator.rank());
    EXPECT_EQ(message_of<DataError>(
                  [&] { together(communicator, [&] { require<DataError>(fails[rank].empty(), fails[rank]); }); }),
              says[rank])
        << "rank " << rank;
  });
}

TEST(Processes, OthersSayWhereItFailed) {
  const std::string there = "no (" + process_here(1) + ")";
  expect_said({"", "", "no", ""}, {there, there, "no", "no"});
  expect_said({"", "", "no", "no"}, {there, there, "no", "no"});
  expect_said({"", "", "no", "never"}, {there + "\nnever (" + process_here(1) + ")",
                                        there + "\nnever (" + process_here(1) + ")", "no", "never"});
  expect_said({"", "yes", "", "no"}, {"yes", "yes", "no", "no"});
}

TEST(Processes, AllHaveNoSpaceWhereOneHasNone) {
  on_ranks([&](dist::Communicator& communicator) {
    EXPECT_EQ(message_of<NoSpace>([&] {
                together(communicator, [&] {
                  if (communicator.rank() == 3) throw NoSpace("full");
                  if (communicator.rank() == 0) throw DataError("no");
                });
              }),
              communicator.rank() < 2 ? "no" : "full");
  });
}

// Each process has a folder of its own as data.root.
TEST(Processes, FilesThatDifferNameTheProcessesAndTheirHosts) {
  const TempFolder folder;
  const auto write = [&](const std::string& name, int64_t rows) {
    write_parquet(folder.file(name), {{"x", "int64", json_list(rows, [](int64_t i) { return std::to_string(i); })}});
  };
  const auto told = [&] {
    std::array<std::string, kRanks> messages;
    on_ranks([&](dist::Communicator& communicator) {
      messages[static_cast<size_t>(communicator.rank())] = message_of<DataError>([&] {
        (void)open_source(data_config(folder, "feature { name: \"x\" categorical {} }"), {.batch_size = 4},
                          communicator);
      });
    });
    return messages;
  };
  int process = 0;
  on_ranks([&](dist::Communicator& communicator) { process = communicator.process(); });
  const auto first = static_cast<size_t>(2 * process);

  if (process == 0) write("a.parquet", 3);
  const std::array<std::string, kRanks> none = told();
  for (const size_t rank : {first, first + 1})
    if (process == 1)
      EXPECT_EQ(none[rank], "[data] no file matches \"*.parquet\" of data.train_files in folder \"" + folder.path() +
                                "\"; check the pattern and data.root");
    else
      EXPECT_TRUE(none[rank].ends_with("check the pattern and data.root (" + process_here(1) + ")")) << none[rank];

  if (process == 1) write("a.parquet", 2);
  const std::array<std::string, kRanks> others = told();
  for (const size_t rank : {first, first + 1}) {
    EXPECT_TRUE(others[rank].starts_with("[data] wanted the same files of split train on all ranks, but " +
                                         process_here(1) + " has 2 rows in 1 file, " + process_here(0) +
                                         " 3 rows in 1 file: \"a.parquet\" is 2 rows, "))
        << others[rank];
    EXPECT_EQ(others[rank].find(process_here(1)), others[rank].rfind(process_here(1))) << "said once: " << others[rank];
    EXPECT_TRUE(others[rank].ends_with("; bring the same to every host, below \"" + folder.path() + "\""))
        << others[rank];
  }
}

}  // namespace
}  // namespace polyscene::core::test
