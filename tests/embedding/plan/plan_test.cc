#include <gtest/gtest.h>

#include <map>

#include "embedding/plan/partition_map.h"
#include "embedding/plan/table_layout.h"
#include "tests/embedding/message_of.h"

namespace polyscene::embedding {
namespace {

using testing::message_of;

TEST(PartitionMap, SharesDifferByOnePartitionAtMostAndAreContiguous) {
  for (const int ranks : {1, 2, 3, 7, 1024}) {
    const PartitionMap map(1024, ranks);
    std::map<int, int> share;
    int previous = 0;
    for (int p = 0; p < 1024; ++p) {
      const int owner = map.owner(p);
      EXPECT_GE(owner, previous);
      previous = owner;
      ++share[owner];
    }
    EXPECT_EQ(share.size(), static_cast<size_t>(ranks));
    for (const auto& [rank, n] : share) {
      EXPECT_GE(n, 1024 / ranks) << "rank " << rank;
      EXPECT_LE(n, (1024 + ranks - 1) / ranks) << "rank " << rank;
    }
  }
}

TEST(PartitionMap, IsAValue) {
  EXPECT_EQ(PartitionMap(1024, 3), PartitionMap(1024, 3));
  EXPECT_NE(PartitionMap(1024, 3), PartitionMap(1024, 4));
  EXPECT_NE(PartitionMap(1024, 3), PartitionMap(512, 3));
}

TEST(PartitionMap, SpreadsSmallAndStridedKeysEvenly) {
  const PartitionMap map(1024, 4);
  for (const int64_t stride : {int64_t{1}, int64_t{1} << 20, int64_t{1} << 52}) {
    int share[4] = {};
    for (int64_t i = 0; i < 4000; ++i) {
      const auto key = static_cast<int64_t>(static_cast<uint64_t>(i) * static_cast<uint64_t>(stride));
      ++share[map.owner(key, table_salt("item"))];
    }
    for (const int n : share) EXPECT_NEAR(n, 1000, 150) << "stride " << stride;
  }
}

TEST(PartitionMap, RoutingNeverChanges) {
  // Checkpoints of one rank count are read by another: these numbers are part of no file, but moving them would move
  // the initial value of every row.
  EXPECT_EQ(key_hash(0, 0), 0u);
  EXPECT_EQ(key_hash(1, 0), 0x5692161D100B05E5ull);
  EXPECT_EQ(table_salt(""), 0x2D06800538D394C2ull);
}

TEST(PartitionMap, NeedsAPartitionPerRank) {
  EXPECT_EQ(message_of([] { PartitionMap(8, 9); }),
            "[embedding.plan] wanted between 1 and 8 ranks (the number of partitions), got 9; try more "
            "partitions");
  EXPECT_NE(message_of([] { PartitionMap(8, 0); }), "nothing thrown");
}

TEST(TableLayout, GroupsTablesByDim) {
  const std::vector<TableSpec> specs = {{.name = "a", .dim = 16}, {.name = "b", .dim = 4}, {.name = "c", .dim = 16}};
  const TableLayout layout(specs, PartitionMap(1024, 2));
  EXPECT_EQ(layout.groups(), 2);
  EXPECT_EQ(layout.dim(0), 16);
  EXPECT_EQ(layout.dim(1), 4);
  EXPECT_EQ(layout.group_of(2), 0);
  EXPECT_EQ(std::vector<int>(layout.wire_order().begin(), layout.wire_order().end()), (std::vector<int>{0, 2, 1}));
  EXPECT_EQ(std::vector<int>(layout.group_begin().begin(), layout.group_begin().end()), (std::vector<int>{0, 2, 3}));
  EXPECT_EQ(layout.table("c"), 2);
  EXPECT_EQ(layout.single_rank().owner(0, 17), 0);
  EXPECT_EQ(message_of([&] { static_cast<void>(layout.table("d")); }),
            "[embedding.plan] wanted one of the tables \"a\", \"b\", \"c\", got \"d\"");
}

TEST(TableSpec, SaysWhatIsWrong) {
  const auto message = [](TableSpec spec) { return message_of([&] { check_tables({&spec, 1}, 4); }); };
  EXPECT_EQ(message({.name = ""}), "[embedding.plan] wanted a name for every table, got a table without one");
  EXPECT_EQ(message({.name = "user", .dim = 0}), "[embedding.plan] table \"user\": wanted a dim of at least 1, got 0");
  EXPECT_EQ(message({.name = "user", .init_stddev = -1}),
            "[embedding.plan] table \"user\": wanted a finite init_stddev of at least 0, got -1");
  EXPECT_EQ(message({.name = "user"}), "nothing thrown");
  const std::vector<TableSpec> twice = {{.name = "user"}, {.name = "user"}};
  EXPECT_EQ(
      message({.name = "user", .max_rows = 127}),
      "[embedding.plan] table \"user\": wanted max_rows of 0 (no bound) or at least 128, 32 for each of 4 partitions, "
      "got 127; try more rows, or fewer partitions");
  EXPECT_EQ(message_of([&] { check_tables(twice, 4); }),
            "[embedding.plan] wanted every table once, got \"user\" twice");
}

}  // namespace
}  // namespace polyscene::embedding
