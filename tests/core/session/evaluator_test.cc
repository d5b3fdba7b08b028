// The evaluation of a split beside metrics that are counted pair by pair, whatever rows the ranks and batches have.
#include "core/session/evaluator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "dist/world.h"
#include "ops/base/philox.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/rank.h"

namespace polyscene::testing {
namespace {

// A row, with the logit that the model gives it: one weight for each item, in steps of 1/8, so that many rows tie.
struct Row {
  int64_t item, user, scenario;
  bool click, buy;
  [[nodiscard]] double logit() const { return static_cast<double>(item - 10) / 8 + 0.25; }
};
constexpr float kBias = 0.25f;
constexpr int64_t kItems = 20;

std::vector<Row> random_rows(int64_t count) {
  PhiloxStream random(3);
  std::vector<Row> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back({.item = static_cast<int64_t>(random.next_below(kItems)),
                    .user = static_cast<int64_t>(random.next_below(9)),
                    .scenario = static_cast<int64_t>(random.next_below(3)),
                    .click = random.next_below(3) == 0,
                    .buy = random.next_below(2) == 0});
  return rows;
}

core::Batch batch_of(std::span<const Row> rows, int64_t first_key) {
  core::Batch batch;
  batch.rows = batch.global_rows = static_cast<int64_t>(rows.size());
  batch.fields.resize(1);
  batch.labels.resize(2);
  batch.groups.resize(1);
  for (const Row& row : rows) {
    batch.fields[0].push_back(row.item);
    batch.labels[0].push_back(row.click ? 1.0f : 0.0f);
    batch.labels[1].push_back(row.buy ? 1.0f : 0.0f);
    batch.scenario.push_back(row.scenario);
    batch.groups[0].push_back(row.user);
    batch.row_keys.push_back(first_key++);
  }
  return batch;
}

// A split that a test writes down.
class Listed : public core::BatchSource {
 public:
  // Rows in batches of these sizes.
  Listed(std::span<const Row> rows, const std::vector<int64_t>& sizes) {
    int64_t at = 0;
    for (const int64_t size : sizes) {
      batches.push_back(batch_of(rows.subspan(static_cast<size_t>(at), static_cast<size_t>(size)), at));
      at += size;
    }
    EXPECT_EQ(at, static_cast<int64_t>(rows.size()));
  }
  [[nodiscard]] int64_t total_rows() const override { return 0; }
  [[nodiscard]] const core::SplitFiles& files() const override { return files_; }
  [[nodiscard]] int64_t steps_per_epoch() const override { return static_cast<int64_t>(batches.size()); }
  void start_epoch(int64_t epoch) override { resume_epoch(epoch, 0); }
  void resume_epoch(int64_t /*epoch*/, int64_t step) override { next_ = static_cast<size_t>(step); }
  [[nodiscard]] std::optional<core::Batch> next() override {
    return next_ < batches.size() ? std::optional(batches[next_++]) : std::nullopt;
  }
  [[nodiscard]] core::SourceCounters counters() const override { return {}; }
  [[nodiscard]] std::shared_ptr<arrow::Schema> carried_schema() const override { return nullptr; }

  std::vector<core::Batch> batches;

 private:
  core::SplitFiles files_;
  size_t next_ = 0;
};

// Half for a tie, over all pairs of a positive and a negative row.
std::optional<double> pairwise_auc(const std::vector<Row>& rows) {
  double right = 0, pairs = 0;
  for (const Row& a : rows)
    for (const Row& b : rows)
      if (a.click && !b.click) {
        ++pairs;
        right += a.logit() > b.logit() ? 1 : a.logit() == b.logit() ? 0.5 : 0;
      }
  return pairs > 0 ? std::optional(right / pairs) : std::nullopt;
}

template <class Key>
double mean_auc(const std::vector<Row>& rows, const Key& key) {
  std::map<int64_t, std::vector<Row>> parts;
  for (const Row& row : rows) parts[key(row)].push_back(row);
  double sum = 0, weight = 0;
  for (const auto& [name, part] : parts)
    if (const auto auc = pairwise_auc(part)) {
      sum += *auc * static_cast<double>(part.size());
      weight += static_cast<double>(part.size());
    }
  return sum / weight;
}

class EvaluatorTest : public ::testing::Test {
 protected:
  EvaluatorTest() {
    config::Data& data = *experiment_.mutable_data();
    config::Feature& item = *data.add_feature();
    item.set_name("item");
    item.mutable_categorical();
    for (const char* label : {"click", "buy"}) data.add_label()->set_name(label);
    data.add_group()->set_name("user");
    data.set_scenario_column("scenario");
    experiment_.mutable_embedding()->set_partitions(8);
    experiment_.mutable_model()->mutable_lr();
    schema_ = core::FeatureSchema::from(data);
  }
  // A session with the model that Row::logit() describes.
  std::unique_ptr<core::Session> open(const dist::Rank& rank) {
    auto session = std::make_unique<core::Session>(experiment_, schema_, rank, core::SessionOptions{.training = false});
    std::vector<int64_t> keys;
    std::vector<float> weights;
    for (int64_t item = 0; item < kItems; ++item) {
      keys.push_back(item);
      weights.push_back(static_cast<float>(item - 10) / 8);
    }
    session->tables().load_rows(0, {.keys = keys, .values = weights});
    const Tensor values = session->parameters().host_values();
    std::ranges::fill(values.elements<float>(), kBias);
    session->parameters().set_values(values);
    return session;
  }

  config::Experiment experiment_;
  core::FeatureSchema schema_;
  std::unique_ptr<dist::Communicator> world_ = dist::make_single_world();
};

TEST_F(EvaluatorTest, HasTheMetricsThatPairsAndSumsGive) {
  const std::vector<Row> rows = random_rows(200);
  const auto session = open(on_host(*world_));
  Listed source(rows, {64, 64, 64, 8});
  const core::Evaluation e = evaluate_split(*session, source);

  double loss = 0, probability = 0, clicks = 0;
  for (const Row& row : rows) {
    const double p = 1 / (1 + std::exp(-row.logit()));
    loss -= std::log(row.click ? p : 1 - p) / 200;
    probability += p;
    clicks += row.click;
  }
  const double rate = clicks / 200, entropy = -rate * std::log(rate) - (1 - rate) * std::log(1 - rate);
  EXPECT_EQ(e.overall.rows, 200);
  EXPECT_EQ(e.overall.positives, static_cast<int64_t>(clicks));
  EXPECT_NEAR(e.overall.auc.value(), pairwise_auc(rows).value(), 1e-12);
  EXPECT_NEAR(e.overall.logloss.value(), loss, 1e-12);
  EXPECT_NEAR(e.overall.calibration.value(), probability / clicks, 1e-12);
  EXPECT_NEAR(e.overall.normalized_entropy.value(), loss / entropy, 1e-12);

  ASSERT_EQ(e.grouped.size(), 3u);
  EXPECT_NEAR(e.grouped[0].value.value(), mean_auc(rows, [](const Row& r) { return r.scenario; }), 1e-12);
  EXPECT_NEAR(e.grouped[1].value.value(), mean_auc(rows, [](const Row& r) { return r.user; }), 1e-12);
  EXPECT_NEAR(e.grouped[2].value.value(), mean_auc(rows, [](const Row& r) { return r.user * 100 + r.scenario; }),
              1e-12);
  ASSERT_EQ(e.scenarios.size(), 3u);
  for (const core::ScenarioMetrics& s : e.scenarios) {
    std::vector<Row> part;
    std::ranges::copy_if(rows, std::back_inserter(part), [&](const Row& r) { return r.scenario == s.scenario; });
    EXPECT_EQ(s.metrics.rows, static_cast<int64_t>(part.size()));
    EXPECT_NEAR(s.metrics.auc.value(), pairwise_auc(part).value(), 1e-12);
  }
}

TEST_F(EvaluatorTest, RowsComeWithTheirLogitsInTheOrderOfTheSplit) {
  experiment_.mutable_model()->set_label("buy");
  const std::vector<Row> rows = random_rows(11);
  const auto session = open(on_host(*world_));
  Listed source(rows, {4, 0, 7});
  const core::Predictions p = predict_all(*session, source);
  ASSERT_EQ(p.logits.size(), 11u);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(p.logits[i], static_cast<float>(rows[i].logit()));
    EXPECT_EQ(p.labels[i], rows[i].buy ? 1.0f : 0.0f) << "the label that the model is trained on";
    EXPECT_EQ(p.scenario[i], rows[i].scenario);
    EXPECT_EQ(p.groups.at(0)[i], rows[i].user);
    EXPECT_EQ(p.row_keys[i], static_cast<int64_t>(i));
  }
}

TEST_F(EvaluatorTest, BeginsAtTheFirstRowEachTime) {
  const auto session = open(on_host(*world_));
  Listed source(random_rows(30), {10, 10, 10});
  const std::string first = evaluate_split(*session, source).to_json();
  source.start_epoch(0);
  static_cast<void>(source.next());
  EXPECT_EQ(evaluate_split(*session, source).to_json(), first);
}

TEST_F(EvaluatorTest, ASplitWithoutRowsHasNoMetrics) {
  const auto session = open(on_host(*world_));
  Listed none({}, {}), empty_batch({}, {0});
  for (Listed* source : {&none, &empty_batch}) {
    const core::Evaluation e = evaluate_split(*session, *source);
    EXPECT_EQ(e.overall.rows, 0);
    EXPECT_EQ(e.overall.auc, std::nullopt);
    EXPECT_EQ(e.overall.logloss, std::nullopt);
    EXPECT_TRUE(e.scenarios.empty());
  }
  int visits = 0;
  score(*session, none, [&](const core::Batch&, std::span<const float>) { ++visits; });
  EXPECT_EQ(visits, 0);
}

TEST_F(EvaluatorTest, OneClassHasALossAndNoAuc) {
  std::vector<Row> rows = random_rows(10);
  for (Row& row : rows) row.click = false;
  const auto session = open(on_host(*world_));
  Listed source(rows, {10});
  const core::Evaluation e = evaluate_split(*session, source);
  double loss = 0;
  for (const Row& row : rows) loss += std::log(1 + std::exp(row.logit())) / 10;
  EXPECT_EQ(e.overall.auc, std::nullopt);
  EXPECT_EQ(e.overall.calibration, std::nullopt);
  EXPECT_EQ(e.overall.normalized_entropy, std::nullopt);
  EXPECT_NEAR(e.overall.logloss.value(), loss, 1e-12);
  EXPECT_EQ(e.grouped[0].value, std::nullopt);
}

// A device gets batches of 64 rows, whatever the split has: the rows that fill one up are no rows of the split.
TEST_F(EvaluatorTest, RowsThatPadABatchOfADeviceDoNotCount) {
  const std::vector<Row> rows = random_rows(70);
  EmulatedDevice device;
  const auto session = open(on_device(*world_, device));
  Listed source(rows, {64, 5, 1});
  std::vector<size_t> sizes;
  score(*session, source, [&](const core::Batch& batch, std::span<const float> logits) {
    EXPECT_EQ(static_cast<int64_t>(logits.size()), batch.rows);
    sizes.push_back(logits.size());
  });
  EXPECT_EQ(sizes, (std::vector<size_t>{64, 5, 1}));
  const core::Evaluation e = evaluate_split(*session, source);
  EXPECT_EQ(e.overall.rows, 70);
  EXPECT_EQ(e.overall.auc.value(), evaluate_split(*open(on_host(*world_)), source).overall.auc.value());
}

// The second rank has fewer rows of one batch, none of another, and more of the last.
TEST_F(EvaluatorTest, RanksOfUnequalRowsSeeTheWholeSplit) {
  const std::vector<Row> rows = random_rows(60);
  Listed whole(rows, {20, 20, 20});
  const std::string want = evaluate_split(*open(on_host(*world_)), whole).to_json();
  const std::vector<Row> first(rows.begin(), rows.begin() + 25), second(rows.begin() + 25, rows.end());
  std::array<std::string, 2> got;
  dist::run_local_ranks(2, [&](dist::Communicator& communicator) {
    const bool is_leader = communicator.rank() == 0;
    Listed mine(is_leader ? first : second,
                is_leader ? std::vector<int64_t>{15, 10, 0} : std::vector<int64_t>{5, 0, 30});
    got[static_cast<size_t>(communicator.rank())] = evaluate_split(*open(on_host(communicator)), mine).to_json();
  });
  EXPECT_EQ(got[0], want);
  EXPECT_EQ(got[1], want);
}

TEST_F(EvaluatorTest, AScenariosNameIsKnownToAllRanks) {
  const std::vector<Row> rows = {{.item = 1, .user = 1, .scenario = 2, .click = true, .buy = false},
                                 {.item = 2, .user = 1, .scenario = 0, .click = false, .buy = false}};
  dist::run_local_ranks(2, [&](dist::Communicator& communicator) {
    const bool names = communicator.rank() == 1;
    Listed source(names ? rows : std::vector<Row>(), {names ? 2 : 0});
    if (names) source.batches[0].scenario_names = {{2, "home"}};
    const core::Evaluation e = evaluate_split(*open(on_host(communicator)), source);
    ASSERT_EQ(e.scenarios.size(), 2u);
    EXPECT_EQ(e.scenarios[0].name, std::nullopt) << "a number is its own name";
    EXPECT_EQ(e.scenarios[1].name, "home");
  });
}

}  // namespace
}  // namespace polyscene::testing
