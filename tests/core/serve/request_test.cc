// What a request makes of a caller's columns; that it is what the reader makes of a file's is tested end to end.
#include "core/serve/request.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include <cmath>

#include "core/features/value_rules.h"
#include "tests/support/message_of.h"

namespace polyscene::core {
namespace {

using ::testing::ElementsAre;
using testing::message_of;

class RequestTest : public ::testing::Test {
 protected:
  RequestTest() {
    const bool parsed = google::protobuf::TextFormat::ParseFromString(R"(
        feature { name: "user" categorical { nullable: true } }
        feature { name: "age" number { column: "years" boundary: 18 boundary: 65 nullable: true } }
        feature { name: "item" categorical { column: "video" min_id: 0 max_id: 99 } }
        feature { name: "price" number { log: true mean: 1 stddev: 2 } }
        feature { name: "tags" bag { weight_column: "weights" max_length: 2 } }
        feature { name: "past" sequence { side { column: "past_item" table: "item" } max_length: 2 } }
        label { name: "click" })",
                                                                      &data_);
    EXPECT_TRUE(parsed);
    schema_ = FeatureSchema::from(data_);
  }

  config::Data data_;
  FeatureSchema schema_;
};

TEST_F(RequestTest, FollowsTheRulesOfTraining) {
  Request request(data_, schema_, 3);
  const std::vector<const char*> users = {"a", "", nullptr};
  const std::vector<size_t> lengths = {1, 0, 5};
  request.set_strings("user", {users, lengths});
  request.set_numbers("years", std::vector<double>{17.5, 18, std::nan("")});
  request.set_ids("video", std::vector<int64_t>{0, 7, 99});
  request.set_numbers("price", std::vector<double>{0, std::exp(1.0) - 1, 1 - std::exp(2.0)});
  request.set_id_lists("tags", std::vector<int64_t>{0, 3, 3, 4}, std::vector<int64_t>{5, 6, 7, 8});
  request.set_number_lists("weights", std::vector<int64_t>{0, 3, 3, 4}, std::vector<double>{1, 3, 2, 1});
  request.set_id_lists("past_item", std::vector<int64_t>{0, 0, 3, 4}, std::vector<int64_t>{1, 2, 3, 4});
  const Batch batch = request.batch();
  EXPECT_EQ(batch.rows, 3);
  EXPECT_THAT(batch.fields[0], ElementsAre(hash_key("a", 1), hash_key("", 0), kMissingKey));
  EXPECT_THAT(batch.fields[1], ElementsAre(0, 1, kMissingKey));
  EXPECT_THAT(batch.fields[2], ElementsAre(0, 7, 99));
  EXPECT_THAT(batch.numbers, ElementsAre(-0.5f, 0.0f, -1.5f));
  EXPECT_THAT(batch.bags[0].offsets, ElementsAre(0, 2, 2, 3));  // the heaviest
  EXPECT_THAT(batch.bags[0].keys, ElementsAre(6, 7, 8));
  EXPECT_THAT(batch.bags[0].weights, ElementsAre(3, 2, 1));
  EXPECT_THAT(batch.sequences[0].offsets, ElementsAre(0, 0, 2, 3));  // the newest
  EXPECT_THAT(batch.sequences[0].sides[0], ElementsAre(2, 3, 4));
}

TEST_F(RequestTest, IdsAreOfTheKindThatTheModelWasTrainedWith) {
  const auto know = [&](const char* table, config::IdKind::Kind kind) {
    config::IdKind& known = *data_.add_id_kind();
    known.set_table(table);
    known.set_kind(kind);
  };
  know("user", config::IdKind::TEXTS);
  know("item", config::IdKind::INTEGERS);
  Request request(data_, schema_, 1);
  const std::vector<const char*> texts = {"a"};
  const std::vector<size_t> lengths = {1};
  const std::vector<int64_t> ids = {1}, offsets = {0, 1};
  request.set_strings("user", {texts, lengths});
  request.set_id_lists("past_item", offsets, ids);
  request.set_string_lists("tags", offsets, {texts, lengths});  // nothing is known of their table
  const auto told = [&](const std::function<void()>& set) { return message_of<InvalidArgument>(set); };
  EXPECT_EQ(told([&] { request.set_ids("user", ids); }),
            "[serve] column \"user\": wanted strings, which the model was trained with, got ids");
  EXPECT_EQ(told([&] {
              request.set_string_lists("past_item", offsets, {texts, lengths});
            }),
            "[serve] column \"past_item\": wanted integers, which the model was trained with, got lists of strings");
}

// As in a file: null is no string, and an empty one is.
TEST_F(RequestTest, NullsInListsOfStringsAreNull) {
  data_.mutable_feature(4)->mutable_bag()->set_nullable(true);
  data_.mutable_feature(4)->mutable_bag()->clear_weight_column();
  data_.mutable_feature(5)->mutable_sequence()->set_nullable(true);
  Request request(data_, schema_, 1);
  request.set_ids("video", std::vector<int64_t>{0});
  request.set_numbers("price", std::vector<double>{0});
  const std::vector<const char*> texts = {nullptr, ""};
  const std::vector<size_t> lengths = {1, 0};
  for (const char* column : {"tags", "past_item"})
    request.set_string_lists(column, std::vector<int64_t>{0, 2}, {texts, lengths});
  const Batch batch = request.batch();
  EXPECT_THAT(batch.bags[0].keys, ElementsAre(kMissingKey, hash_key("", 0)));
  EXPECT_THAT(batch.sequences[0].sides[0], ElementsAre(kMissingKey, hash_key("", 0)));
}

// As a column of integers may be in training: the caller then sets both.
TEST_F(RequestTest, AColumnMayBeReadAsIdsAndAsNumbers) {
  data_.mutable_feature(3)->mutable_number()->set_column("video");
  Request request(data_, schema_, 1);
  request.set_ids("video", std::vector<int64_t>{7});
  EXPECT_EQ(message_of([&] { (void)request.batch(); }),
            "[serve] column \"video\" is read as ids and as numbers: wanted both, got one of them");
  request.set_numbers("video", std::vector<double>{0});
  const Batch batch = request.batch();
  EXPECT_THAT(batch.fields[2], ElementsAre(7));
  EXPECT_THAT(batch.numbers, ElementsAre(-0.5f));
  data_.mutable_feature(4)->mutable_bag()->set_column("video");
  EXPECT_EQ(message_of([&] { Request(data_, schema_, 1); }),
            "[serve] column \"video\" is read as lists and as one value per row: no model was trained so; export it "
            "again");
}

TEST_F(RequestTest, RefusesWhatTheReaderRefuses) {
  const auto refused = [&](const std::function<void(Request&)>& change) {
    Request request(data_, schema_, 1);
    request.set_ids("video", std::vector<int64_t>{1});
    request.set_numbers("price", std::vector<double>{1});
    return message_of([&] {
      change(request);
      (void)request.batch();
    });
  };
  EXPECT_EQ(refused([](Request& r) { r.set_ids("video", std::vector<int64_t>{100}); }),
            "[serve] row 0, column \"video\": id outside [0, 99], got 100");
  EXPECT_EQ(refused([](Request& r) {
              r.set_ids("video", std::vector<int64_t>{1, 2});
            }),
            "[serve] column \"video\": wanted 1 values, got 2");
  EXPECT_EQ(refused([](Request& r) { r.set_ids("videos", std::vector<int64_t>{1}); }),
            "[serve] no feature of the model reads a column \"videos\"; did you mean \"video\"?");
  EXPECT_EQ(
      refused([](Request& r) { r.set_ids("click", std::vector<int64_t>{1}); }),
      "[serve] no feature of the model reads a column \"click\"; there are user, years, video, price, tags, weights, "
      "past_item");
  EXPECT_EQ(refused([](Request& r) { r.set_numbers("price", std::vector<double>{1e300 * 1e300}); }),
            "[serve] row 0, column \"price\": infinite");
  EXPECT_EQ(refused([](Request& r) {
              r.set_id_lists("past_item", std::vector<int64_t>{0, 2}, std::vector<int64_t>{1});
            }),
            "[serve] column \"past_item\": wanted 2 offsets that ascend from 0 to the 1 values, got 2 as offset 1");
  EXPECT_EQ(refused([](Request& r) {
              r.set_id_lists("tags", std::vector<int64_t>{0, 1}, std::vector<int64_t>{1});
            }),
            "[serve] columns \"tags\" and \"weights\" go together: wanted both or neither");
  EXPECT_EQ(message_of([&] { Request(data_, schema_, -1); }), "[serve] wanted 0 to 1048576 rows, got -1");
}

}  // namespace
}  // namespace polyscene::core
