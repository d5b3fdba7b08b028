#include "core/text/suggest.h"

#include <gtest/gtest.h>

namespace polyscene::core::config_text {
namespace {

TEST(Suggest, EditDistanceCountsSwapsAndIgnoresCase) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("batchsize", "batch_size"), 1u);
  EXPECT_EQ(edit_distance("epcohs", "epochs"), 1u);
  EXPECT_EQ(edit_distance("ADAM", "adam"), 0u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Suggest, NearestIsASlipAwayOrHoldsTheWord) {
  const std::vector<std::string> fields = {"batch_size", "epochs", "optimizer", "eval_every"};
  EXPECT_EQ(nearest("batchsize", fields), "batch_size");
  EXPECT_EQ(nearest("num_epochs", fields), "epochs");
  EXPECT_EQ(nearest("optim", fields), "optimizer");
  EXPECT_EQ(nearest("zzz", fields), "");
  EXPECT_EQ(nearest("x", {"y", "z"}), "");
}

TEST(Suggest, SuggestionOffersTheNearestOrAll) {
  EXPECT_EQ(suggestion("usr", {"user", "tab"}), "; did you mean \"user\"?");
  EXPECT_EQ(suggestion("zzzz", {"user", "tab"}), "; there are user, tab");
  EXPECT_EQ(suggestion("zzzz", {}), "");
}

TEST(Suggest, LongListsAreCut) {
  std::vector<std::string> many(30, "x");
  EXPECT_TRUE(join(many).ends_with("x, x and 6 more"));
  many.resize(24);
  EXPECT_TRUE(join(many).ends_with("x, x"));
}

}  // namespace
}  // namespace polyscene::core::config_text
