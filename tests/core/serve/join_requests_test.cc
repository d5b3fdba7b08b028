// Joined requests through the library's interface: they score as lone ones do, and share nothing but their batch.
#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "core/serve/api/polyscene_serve.hpp"
#include "ops/base/philox.h"
#include "tests/core/serve/served_folder.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

using Scores = std::vector<float>;

constexpr int64_t kHour = int64_t{3600} * 1000 * 1000;  // a wait that only a full batch ends

class JoinRequestsTest : public testing::FolderTest {
 protected:
  void SetUp() override {
    testing::FolderTest::SetUp();
    testing::write_version(path("1"), 1);
    model_ = std::make_unique<serve::Model>(folder_.string());
  }

  // Nulls, unseen ids, empty and long lists.
  [[nodiscard]] serve::Request request(int64_t rows, uint64_t seed) const {
    PhiloxStream random(seed);
    const auto ids = [&](size_t count) {
      std::vector<int64_t> all(count);
      for (int64_t& id : all) id = static_cast<int64_t>(random.next_below(testing::kServedIds + 5));
      return all;
    };
    const auto offsets = [&](uint64_t most) {
      std::vector<int64_t> all = {0};
      for (int64_t row = 0; row < rows; ++row)
        all.push_back(all.back() + static_cast<int64_t>(random.next_below(most + 1)));
      return all;
    };
    const auto count = static_cast<size_t>(rows);
    std::vector<int64_t> users = ids(count);
    if (random.next_below(2) == 0) users[0] = POLYSCENE_NULL_ID;
    std::vector<double> prices(count);
    for (double& price : prices) price = 10 * random.next_uniform();
    serve::Request made(*model_, rows);
    made.ids("user", users).ids("item", ids(count)).ids("scene", ids(count)).numbers("price", prices);
    const std::vector<int64_t> tags = offsets(6), history = offsets(12);
    std::vector<double> weights(static_cast<size_t>(tags.back()));
    for (double& weight : weights) weight = random.next_uniform();
    made.id_lists("tags", tags, ids(weights.size())).number_lists("tag_weights", tags, weights);
    // Requests without any history at all go with the others.
    if (random.next_below(4) == 0) return made;
    const auto behaviours = static_cast<size_t>(history.back());
    made.id_lists("history_item", history, ids(behaviours)).id_lists("history_scene", history, ids(behaviours));
    return made;
  }
  [[nodiscard]] std::future<Scores> start(const serve::Request& request) const {
    return std::async(std::launch::async, [&] { return model_->score(request); });
  }
  [[nodiscard]] static std::string error_of(std::future<Scores>& scores) {
    try {
      (void)scores.get();
    } catch (const serve::Error& error) {
      return error.what();
    }
    return "no error";
  }
  static void expect_near(const Scores& got, const Scores& wanted) {
    EXPECT_THAT(got, ::testing::Pointwise(::testing::FloatNear(1e-6f), wanted));
  }

  std::unique_ptr<serve::Model> model_;
};

TEST_F(JoinRequestsTest, ScoreAsAlone) {
  constexpr uint64_t kRequests = 12;
  int64_t all_rows = 0;
  std::vector<serve::Request> requests;
  std::vector<Scores> alone;
  for (uint64_t i = 0; i < kRequests; ++i) {
    const auto rows = static_cast<int64_t>(1 + i % 5);
    requests.push_back(request(rows, i));
    alone.push_back(model_->score(requests.back()));
    all_rows += rows;
  }
  EXPECT_GT(std::abs(alone[1][0] - alone[1][1]), 1e-3f);
  model_->join_requests(all_rows, kHour);
  std::vector<std::future<Scores>> callers;
  for (const serve::Request& request : requests) callers.push_back(start(request));
  for (size_t i = 0; i < kRequests; ++i) expect_near(callers[i].get(), alone[i]);
  EXPECT_TRUE(model_->score(serve::Request(*model_, 0)).empty());
}

TEST_F(JoinRequestsTest, ScoreAsAloneUnderContention) {
  constexpr size_t kThreads = 6, kRequests = 25;
  std::vector<serve::Request> requests;
  std::vector<Scores> alone;
  for (size_t i = 0; i < kThreads * kRequests; ++i) {
    requests.push_back(request(static_cast<int64_t>(1 + i % 7), i));
    alone.push_back(model_->score(requests.back()));
  }
  for (const int at_once : {1, 2})
    for (const int64_t wait_us : {0, 200}) {
      model_->join_requests(8, wait_us, at_once);
      std::vector<std::thread> threads;
      for (size_t t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
          for (size_t i = t; i < requests.size(); i += kThreads) expect_near(model_->score(requests[i]), alone[i]);
        });
      // Off and on again while requests are under way.
      model_->join_requests(0);
      model_->join_requests(8, wait_us, at_once);
      for (std::thread& thread : threads) thread.join();
    }
}

TEST_F(JoinRequestsTest, ABadRequestFailsAlone) {
  const serve::Request one = request(2, 1), two = request(3, 2);
  const Scores one_alone = model_->score(one), two_alone = model_->score(two);
  serve::Request bad = request(2, 3);
  bad.ids("item", std::vector<int64_t>{1, 100});
  model_->join_requests(5, kHour);
  auto first = start(one), failing = start(bad);
  EXPECT_EQ(error_of(failing), "[serve] row 1, column \"item\": id outside [0, 99], got 100");
  auto second = start(two);
  expect_near(first.get(), one_alone);
  expect_near(second.get(), two_alone);
}

TEST_F(JoinRequestsTest, VersionsAreNotJoined) {
  const serve::Request old_one = request(2, 1), old_two = request(2, 2);
  const Scores old_one_alone = model_->score(old_one), old_two_alone = model_->score(old_two);
  testing::write_version(path("2"), 2);
  ASSERT_TRUE(model_->refresh());
  const serve::Request new_one = request(2, 1), new_two = request(2, 2);
  const Scores new_one_alone = model_->score(new_one), new_two_alone = model_->score(new_two);
  EXPECT_GT(std::abs(new_one_alone[0] - old_one_alone[0]), 1e-3f);
  // Old and new by turns: batches of four rows are full with both requests of a version alone.
  model_->join_requests(4, kHour);
  auto a = start(old_one), b = start(new_one), c = start(old_two), d = start(new_two);
  expect_near(a.get(), old_one_alone);
  expect_near(b.get(), new_one_alone);
  expect_near(c.get(), old_two_alone);
  expect_near(d.get(), new_two_alone);
}

TEST_F(JoinRequestsTest, RefusesWhatMakesNoSense) {
  const auto refused = [&](int64_t most_rows, int64_t wait_us, int at_once) {
    try {
      model_->join_requests(most_rows, wait_us, at_once);
    } catch (const serve::Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(refused(-1, 0, 1), "[serve] wanted most_rows of 0 to 1048576, got -1");
  EXPECT_EQ(refused(INT64_MAX, 0, 1), "[serve] wanted most_rows of 0 to 1048576, got 9223372036854775807");
  EXPECT_EQ(refused(8, -1, 1), "[serve] wanted wait_us of 0 to 1099511627776, got -1");
  EXPECT_EQ(refused(8, INT64_MAX, 1), "[serve] wanted wait_us of 0 to 1099511627776, got 9223372036854775807");
  EXPECT_EQ(refused(8, 0, 0), "[serve] wanted at_once of 1 to 4096, got 0");
  EXPECT_EQ(refused(8, 0, 2'000'000'000), "[serve] wanted at_once of 1 to 4096, got 2000000000");
}

}  // namespace
}  // namespace polyscene::core
