// Ranks of one process that see other files than the first one: all end at the start, with the same words. Those of
// several processes: processes_test.cc.
#include "core/train/open_source.h"

#include <gtest/gtest.h>

#include <array>
#include <mutex>

#include "dist/world.h"
#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

class OpenSource : public ::testing::Test {
 protected:
  void write(int rank, const std::string& name, int64_t rows) {
    write_parquet(folder(rank).file(name),
                  {{"x", "int64", json_list(rows, [](int64_t i) { return std::to_string(i); })}});
  }

  // What each of two ranks is told, each with a folder of its own as data.root.
  std::array<std::string, 2> told() {
    std::array<std::string, 2> messages;
    const auto body = [&](dist::Communicator& communicator) {
      const int rank = communicator.rank();
      messages[static_cast<size_t>(rank)] = message_of<DataError>([&] {
        (void)open_source(data_config(folder(rank), "feature { name: \"x\" categorical {} }"), {.batch_size = 2},
                          communicator);
      });
    };
    dist::run_local_ranks(2, body);
    return messages;
  }

  [[nodiscard]] const TempFolder& folder(int rank) const { return rank == 0 ? first_ : second_; }

  // What rank `told` is told where the second rank's listing is not the first one's.
  [[nodiscard]] std::string differs(int told, const std::string& first, const std::string& second,
                                    const std::string& file) const {
    return "[data] wanted files of split train that do not change while they are listed, but one listing has " +
           second + ", another " + first + ": " + file + "; start again once nothing writes below \"" +
           folder(told).path() + "\"";
  }

 private:
  TempFolder first_, second_;
};

TEST_F(OpenSource, TheSameFilesAreTaken) {
  for (const int rank : {0, 1}) write(rank, "a.parquet", 3);
  EXPECT_EQ(told(), (std::array<std::string, 2>{"(nothing was thrown)", "(nothing was thrown)"}));
}

TEST_F(OpenSource, AFileThatOneLacks) {
  for (const int rank : {0, 1}) write(rank, "a.parquet", 3);
  write(0, "b.parquet", 4);
  const auto bytes = std::filesystem::file_size(folder(0).file("b.parquet"));
  for (const int rank : {0, 1})
    EXPECT_EQ(told()[static_cast<size_t>(rank)],
              differs(rank, "7 rows in 2 files", "3 rows in 1 file",
                      str("\"b.parquet\" is not there in the one, 4 rows, ", bytes, " bytes in the other")));
}

TEST_F(OpenSource, AFileWithOtherRows) {
  write(0, "a.parquet", 3);
  write(1, "a.parquet", 2);
  EXPECT_NE(told()[0].find("\"a.parquet\" is 2 rows, "), std::string::npos) << told()[0];
}

TEST_F(OpenSource, OneThatFindsNone) {
  write(0, "a.parquet", 3);
  const std::string none = "[data] no file matches \"*.parquet\" of data.train_files in folder \"" + folder(1).path() +
                           "\"; check the pattern and data.root";
  EXPECT_EQ(told(), (std::array<std::string, 2>{none, none}));
}

}  // namespace
}  // namespace polyscene::core::test
