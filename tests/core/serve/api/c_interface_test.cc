// The C interface, called wrongly in every way that can be told: each call is refused with words, and what was made
// before still scores as it did.
#include <gmock/gmock.h>
#include <pthread.h>

#include <future>
#include <limits>
#include <map>
#include <thread>

#include "core/serve/api/boundary.h"
#include "core/serve/api/polyscene_serve.hpp"
#include "ops/base/thread.h"
#include "tests/core/serve/served_folder.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::StartsWith;

constexpr int64_t kIds[] = {1, 2, 3}, kOffsets[] = {0, 2, 2, 3};
constexpr double kNumbers[] = {1, 2, 3};
constexpr const char* kTexts[] = {"a", "b", "c"};
constexpr size_t kLengths[] = {1, 1, 1};
constexpr int64_t kAnHour = int64_t{3600} * 1000 * 1000;  // a wait that only a full batch ends

class CInterfaceTest : public testing::FolderTest {
 public:
  void SetUp() override {
    testing::FolderTest::SetUp();
    testing::write_version(path("1"), 1);
    model_ = polyscene_open(folder_.c_str(), 1, error_, sizeof(error_));
    ASSERT_NE(model_, nullptr) << error_;
    request_ = whole_request(model_);
  }
  void TearDown() override {
    polyscene_request_free(request_);
    polyscene_close(model_);
    testing::FolderTest::TearDown();
  }

  // Three rows with all columns.
  static polyscene_request* whole_request(polyscene_model* model) {
    polyscene_request* const request = polyscene_request_new(model, 3, nullptr, 0);
    for (const char* column : {"user", "item", "scene"})
      EXPECT_EQ(polyscene_set_ids(request, column, kIds, nullptr, 0), 0);
    EXPECT_EQ(polyscene_set_numbers(request, "price", kNumbers, nullptr, 0), 0);
    EXPECT_EQ(polyscene_set_number_lists(request, "tag_weights", kOffsets, kNumbers, 3, nullptr, 0), 0);
    for (const char* column : {"tags", "history_item", "history_scene"})
      EXPECT_EQ(polyscene_set_id_lists(request, column, kOffsets, kIds, 3, nullptr, 0), 0);
    return request;
  }

  // The words of a call that failed: with NULL, or a number other than 0.
  std::string words(const void* made) { return words(made == nullptr ? 1 : 0); }
  std::string words(int status) {
    const std::string words = status == 0 ? "not refused" : error_;
    error_[0] = 0;
    return words;
  }
  [[nodiscard]] std::vector<float> scores() {
    std::vector<float> scores(3, -1);
    EXPECT_EQ(polyscene_score(model_, request_, scores.data(), error_, sizeof(error_)), 0) << error_;
    return scores;
  }

  // Calls of every setter with good values.
  int set_ids(const char* column) { return polyscene_set_ids(request_, column, kIds, error_, kRoom); }
  int set_strings(const char* column) {
    return polyscene_set_strings(request_, column, kTexts, kLengths, error_, kRoom);
  }
  int set_numbers(const char* column) { return polyscene_set_numbers(request_, column, kNumbers, error_, kRoom); }
  int set_id_lists(const char* column, const int64_t* offsets = kOffsets, int64_t count = 3) {
    return polyscene_set_id_lists(request_, column, offsets, kIds, count, error_, kRoom);
  }
  int set_string_lists(const char* column, const int64_t* offsets = kOffsets, int64_t count = 3) {
    return polyscene_set_string_lists(request_, column, offsets, kTexts, kLengths, count, error_, kRoom);
  }
  int set_number_lists(const char* column, const int64_t* offsets = kOffsets, int64_t count = 3) {
    return polyscene_set_number_lists(request_, column, offsets, kNumbers, count, error_, kRoom);
  }

  static constexpr size_t kRoom = 1000;
  char error_[kRoom] = "";
  polyscene_model* model_ = nullptr;
  polyscene_request* request_ = nullptr;
};

TEST_F(CInterfaceTest, NullIsRefusedInEveryPlace) {
  const std::vector<float> before = scores();
  float out[3];
  EXPECT_EQ(words(polyscene_open(nullptr, 1, error_, kRoom)), "[serve] wanted a folder, got NULL");
  EXPECT_EQ(words(polyscene_open("", 1, error_, kRoom)), "[serve] wanted a folder, got an empty name");
  EXPECT_EQ(polyscene_folder(nullptr), nullptr);
  EXPECT_EQ(polyscene_refresh(nullptr, error_, kRoom), -1);
  const std::string no_model = "[serve] wanted a model, got NULL", no_request = "[serve] wanted a request, got NULL",
                    no_column = "[serve] wanted a column, got NULL";
  EXPECT_EQ(error_, no_model);
  EXPECT_EQ(words(polyscene_join_requests(nullptr, 1, 1, 1, error_, kRoom)), no_model);
  EXPECT_EQ(words(polyscene_verify(nullptr, error_, kRoom)), no_model);
  EXPECT_EQ(words(polyscene_request_new(nullptr, 3, error_, kRoom)), no_model);
  EXPECT_EQ(words(polyscene_score(nullptr, request_, out, error_, kRoom)), no_model);
  EXPECT_EQ(words(polyscene_score(model_, nullptr, out, error_, kRoom)), no_request);
  EXPECT_EQ(words(polyscene_score(model_, request_, nullptr, error_, kRoom)),
            "[serve] wanted 3 places for probabilities, got NULL");

  for (const auto& [setter, set] :
       std::map<std::string, int (CInterfaceTest::*)(const char*)>{{"ids", &CInterfaceTest::set_ids},
                                                                   {"strings", &CInterfaceTest::set_strings},
                                                                   {"numbers", &CInterfaceTest::set_numbers}}) {
    SCOPED_TRACE(setter);
    EXPECT_EQ(words((this->*set)(nullptr)), no_column);
    polyscene_request* const real = std::exchange(request_, nullptr);
    EXPECT_EQ(words((this->*set)("user")), no_request);
    request_ = real;
  }
  EXPECT_EQ(words(polyscene_set_ids(request_, "user", nullptr, error_, kRoom)), "[serve] wanted 3 ids, got NULL");
  EXPECT_EQ(words(polyscene_set_strings(request_, "user", nullptr, kLengths, error_, kRoom)),
            "[serve] wanted 3 strings, got NULL");
  EXPECT_EQ(words(polyscene_set_strings(request_, "user", kTexts, nullptr, error_, kRoom)),
            "[serve] wanted 3 lengths of strings, got NULL");
  EXPECT_EQ(words(polyscene_set_numbers(request_, "price", nullptr, error_, kRoom)),
            "[serve] wanted 3 numbers, got NULL");

  for (const auto& [setter, set] : std::map<std::string, int (CInterfaceTest::*)(const char*, const int64_t*, int64_t)>{
           {"ids", &CInterfaceTest::set_id_lists},
           {"strings", &CInterfaceTest::set_string_lists},
           {"numbers", &CInterfaceTest::set_number_lists}}) {
    SCOPED_TRACE(setter);
    EXPECT_EQ(words((this->*set)(nullptr, kOffsets, 3)), no_column);
    EXPECT_EQ(words((this->*set)("tags", nullptr, 3)), "[serve] wanted 4 offsets, got NULL");
    polyscene_request* const real = std::exchange(request_, nullptr);
    EXPECT_EQ(words((this->*set)("tags", kOffsets, 3)), no_request);
    request_ = real;
  }
  EXPECT_EQ(words(polyscene_set_id_lists(request_, "tags", kOffsets, nullptr, 3, error_, kRoom)),
            "[serve] wanted 3 ids, got NULL");
  EXPECT_EQ(words(polyscene_set_string_lists(request_, "tags", kOffsets, nullptr, kLengths, 3, error_, kRoom)),
            "[serve] wanted 3 strings, got NULL");
  EXPECT_EQ(words(polyscene_set_string_lists(request_, "tags", kOffsets, kTexts, nullptr, 3, error_, kRoom)),
            "[serve] wanted 3 lengths of strings, got NULL");
  EXPECT_EQ(words(polyscene_set_number_lists(request_, "tag_weights", kOffsets, nullptr, 3, error_, kRoom)),
            "[serve] wanted 3 numbers, got NULL");

  polyscene_close(nullptr);
  polyscene_request_free(nullptr);
  EXPECT_EQ(scores(), before);
}

// NULL is no mistake where there is nothing to read or to write.
TEST_F(CInterfaceTest, NullStandsForNothing) {
  constexpr int64_t kNone[] = {0};
  polyscene_request_free(request_);
  request_ = polyscene_request_new(model_, 0, error_, kRoom);
  EXPECT_EQ(polyscene_set_ids(request_, "user", nullptr, error_, kRoom), 0);
  EXPECT_EQ(polyscene_set_strings(request_, "user", nullptr, nullptr, error_, kRoom), 0);
  EXPECT_EQ(polyscene_set_id_lists(request_, "tags", kNone, nullptr, 0, error_, kRoom), 0);
  EXPECT_EQ(polyscene_set_number_lists(request_, "tag_weights", kNone, nullptr, 0, error_, kRoom), 0);
  EXPECT_EQ(polyscene_score(model_, request_, nullptr, error_, kRoom), 0) << error_;
}

TEST_F(CInterfaceTest, EveryColumnTakesWhatItsFeatureReads) {
  const std::vector<float> before = scores();
  struct Setter {
    std::string gives;
    std::function<int(const char*)> set;
  };
  const std::vector<Setter> setters = {
      {"ids", [&](const char* c) { return set_ids(c); }},
      {"strings", [&](const char* c) { return set_strings(c); }},
      {"numbers", [&](const char* c) { return set_numbers(c); }},
      {"lists of ids", [&](const char* c) { return set_id_lists(c); }},
      {"lists of strings", [&](const char* c) { return set_string_lists(c); }},
      {"lists of numbers", [&](const char* c) { return set_number_lists(c); }},
  };
  const std::string
      id = "wanted ids or strings, one per row, got ; set it with polyscene_set_ids() or polyscene_set_strings()",
      bounded = "wanted ids, one per row (it has min_id or max_id), got ; set it with polyscene_set_ids()",
      number = "wanted numbers, one per row, got ; set it with polyscene_set_numbers()",
      ids =
          "wanted lists of ids or strings, got ; set it with polyscene_set_id_lists() or "
          "polyscene_set_string_lists()",
      numbers = "wanted lists of numbers, got ; set it with polyscene_set_number_lists()";
  struct Case {
    const char* column;
    std::string wanted;
    std::set<std::string> takes;
  };
  const std::vector<Case> columns = {{"user", id, {"ids", "strings"}},
                                     {"item", bounded, {"ids"}},
                                     {"scene", id, {"ids", "strings"}},
                                     {"price", number, {"numbers"}},
                                     {"tags", ids, {"lists of ids", "lists of strings"}},
                                     {"tag_weights", numbers, {"lists of numbers"}},
                                     {"history_item", ids, {"lists of ids", "lists of strings"}},
                                     {"history_scene", ids, {"lists of ids", "lists of strings"}}};
  for (const Case& column : columns)
    for (const Setter& setter : setters) {
      SCOPED_TRACE(str(column.column, " with ", setter.gives));
      std::string refused = str("[serve] column \"", column.column, "\": ", column.wanted);
      refused.insert(refused.find(" got ") + 5, setter.gives);
      EXPECT_EQ(words(setter.set(column.column)), column.takes.contains(setter.gives) ? "not refused" : refused);
      polyscene_request_free(std::exchange(request_, whole_request(model_)));
    }
  // What is refused changes nothing; what comes later counts.
  for (const Case& column : columns)
    for (const Setter& setter : setters)
      if (!column.takes.contains(setter.gives)) {
        EXPECT_NE(setter.set(column.column), 0);
      }
  EXPECT_EQ(scores(), before);
  constexpr int64_t kOthers[] = {0, 0, 3, 3};
  for (const char* column : {"tags", "history_item", "history_scene"}) EXPECT_EQ(set_id_lists(column, kOthers), 0);
  EXPECT_EQ(set_number_lists("tag_weights", kOthers), 0);
  EXPECT_NE(scores(), before);
}

TEST_F(CInterfaceTest, OffsetsNameTheValuesThatWereHandedOver) {
  const std::vector<float> before = scores();
  struct Case {
    std::vector<int64_t> offsets;
    int64_t count;
    const char* got;
  };
  const std::vector<Case> wrong = {
      {{0, -1, 2, 3}, 3, "-1 as offset 1"},
      {{0, 1, 2, -3}, 3, "-3 as offset 3"},
      {{1, 1, 2, 3}, 3, "1 as offset 0"},
      {{0, 3, 1, 3}, 3, "1 as offset 2"},
      {{0, INT64_MAX, 2, 3}, 3, "9223372036854775807 as offset 1"},
      {{INT64_MIN, 1, 2, 3}, 3, "-9223372036854775808 as offset 0"},
      {{0, 1, 2, INT64_MAX}, 3, "9223372036854775807 as offset 3"},
      {{0, 1, 2, 4}, 3, "4 as offset 3"},
      {{0, 1, 2, 2}, 3, "2 as offset 3"},
      {{0, 0, 0, 0}, 3, "0 as offset 3"},
      {{0, 1, 2, 3}, 0, "1 as offset 1"},
      {{0, 1, 2, 3}, 1'000'000, "3 as offset 3"},  // values that are not there are not read
  };
  for (const auto& [offsets, count, got] : wrong) {
    SCOPED_TRACE(got);
    const std::string refused = str(": wanted 4 offsets that ascend from 0 to the ", count, " values, got ", got);
    EXPECT_EQ(words(set_id_lists("tags", offsets.data(), count)), "[serve] column \"tags\"" + refused);
    EXPECT_EQ(words(set_string_lists("tags", offsets.data(), count)), "[serve] column \"tags\"" + refused);
    EXPECT_EQ(words(set_number_lists("tag_weights", offsets.data(), count)),
              "[serve] column \"tag_weights\"" + refused);
  }
  constexpr int64_t kHuge[] = {0, 1, 2, INT64_MAX}, kNegative[] = {0, 0, 0, -1};
  EXPECT_EQ(words(set_id_lists("tags", kHuge, INT64_MAX)), "[serve] wanted 0 to 67108864 ids, got 9223372036854775807");
  EXPECT_EQ(words(set_string_lists("tags", kHuge, INT64_MAX)),
            "[serve] wanted 0 to 67108864 strings, got 9223372036854775807");
  EXPECT_EQ(words(set_number_lists("tag_weights", kNegative, -1)), "[serve] wanted 0 to 67108864 numbers, got -1");
  EXPECT_EQ(scores(), before);
}

TEST_F(CInterfaceTest, MaximaHold) {
  EXPECT_EQ(words(polyscene_request_new(model_, POLYSCENE_MAX_ROWS + 1, error_, kRoom)),
            "[serve] wanted 0 to 1048576 rows, got 1048577; score them in several requests");
  EXPECT_EQ(words(polyscene_request_new(model_, INT64_MAX, error_, kRoom)),
            "[serve] wanted 0 to 1048576 rows, got 9223372036854775807; score them in several requests");
  EXPECT_EQ(words(polyscene_request_new(model_, -1, error_, kRoom)), "[serve] wanted 0 to 1048576 rows, got -1");
  polyscene_request* const largest = polyscene_request_new(model_, POLYSCENE_MAX_ROWS, error_, kRoom);
  EXPECT_NE(largest, nullptr) << error_;
  polyscene_request_free(largest);

  for (const int threads : {0, -5, POLYSCENE_MAX_THREADS + 1, 2'000'000'000})
    EXPECT_EQ(words(polyscene_open(folder_.c_str(), threads, error_, kRoom)),
              str("[ops.thread] wanted 1 to 4096 threads, got ", threads));

  constexpr size_t kWrong[] = {1, SIZE_MAX, 1};
  EXPECT_EQ(words(polyscene_set_strings(request_, "user", kTexts, kWrong, error_, kRoom)),
            "[serve] column \"user\": wanted strings of at most 2147483647 bytes, got 18446744073709551615");
  EXPECT_EQ(words(polyscene_set_string_lists(request_, "tags", kOffsets, kTexts, kWrong, 3, error_, kRoom)),
            "[serve] column \"tags\": wanted strings of at most 2147483647 bytes, got 18446744073709551615");
  const std::string long_name(1 << 24, 'x');
  EXPECT_EQ(words(polyscene_set_ids(request_, long_name.c_str(), kIds, error_, kRoom)),
            "[serve] no feature of the model reads a column \"" + long_name.substr(0, 200) + "...\"");
}

TEST_F(CInterfaceTest, AddressesMustFitTheirTypes) {
  alignas(8) char bytes[64] = {};
  char* const odd = bytes + 1;
  const auto* const ids = reinterpret_cast<const int64_t*>(odd);
  EXPECT_EQ(words(polyscene_set_ids(request_, "user", ids, error_, kRoom)),
            "[serve] wanted ids at a multiple of 8 bytes, got another address");
  EXPECT_EQ(words(set_id_lists("tags", ids)), "[serve] wanted offsets at a multiple of 8 bytes, got another address");
  EXPECT_EQ(words(polyscene_score(model_, request_, reinterpret_cast<float*>(odd), error_, kRoom)),
            "[serve] wanted places for probabilities at a multiple of 4 bytes, got another address");
}

TEST_F(CInterfaceTest, ARequestIsScoredWithItsModel) {
  polyscene_model* const other = polyscene_open(folder_.c_str(), 1, error_, kRoom);
  float out[3];
  EXPECT_EQ(words(polyscene_score(other, request_, out, error_, kRoom)),
            "[serve] wanted a request of this model, got one that was made with another");
  polyscene_close(other);
}

TEST_F(CInterfaceTest, ErrorsFitTheRoomThereIs) {
  const auto said = [&](size_t room) {
    std::vector<char> error(room + 8, '#');
    EXPECT_EQ(polyscene_set_ids(request_, "\u00e9t\u00e9", kIds, error.data(), room), 1);
    EXPECT_EQ(std::string(error.end() - 8, error.end()), "########");
    return room == 0 ? "" : std::string(error.data());
  };
  const std::string words = "[serve] no feature of the model reads a column \"\u00e9t\u00e9\"";
  EXPECT_THAT(said(kRoom), StartsWith(words));
  EXPECT_EQ(said(0), "");
  EXPECT_EQ(said(1), "");
  const size_t before = words.find("\u00e9");
  EXPECT_EQ(said(before + 2), words.substr(0, before));  // half of a letter is none
  EXPECT_EQ(said(before + 3), words.substr(0, before + 2));
  EXPECT_EQ(polyscene_set_ids(request_, "usr", kIds, nullptr, kRoom), 1);
  // No more of it is written to than the words take, so that a wrong length does no harm.
  char error[200] = "";
  EXPECT_EQ(polyscene_set_ids(request_, nullptr, kIds, error, SIZE_MAX), 1);
  EXPECT_STREQ(error, "[serve] wanted a column, got NULL");
}

TEST_F(CInterfaceTest, NothingIsThrownOutOfIt) {
  const auto caught = [&](const std::function<int()>& work) {
    return words(boundary::guarded(error_, kRoom, 1, work));
  };
  EXPECT_EQ(caught([]() -> int { throw DataError("[data] torn"); }), "[data] torn");
  EXPECT_EQ(caught([]() -> int { throw std::bad_alloc(); }),
            "[serve] out of memory; score fewer rows at a time, or with fewer threads");
  EXPECT_EQ(caught([]() -> int { throw 42; }), "[serve] unknown error");
}

// Joined or not, what cannot be scored fails alone and leaves the caller's memory as it was.
TEST_F(CInterfaceTest, NaNIsNoScore) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::filesystem::copy(path("1"), path("2"), std::filesystem::copy_options::recursive);
  EmbeddingStoreWriter writer(path("2/") + store_file("item"), 1, 8, RowFormat::kFloat32);
  writer.add({kIds + 1, 1}, std::vector<float>(8, 1.0f));
  writer.finish();
  // Nobody exports such a row; a disk may make one of it.
  std::fstream file(path("2/") + store_file("item"), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(sizeof(StoreHeader) + sizeof(int64_t)).write(reinterpret_cast<const char*>(&nan), sizeof(nan));
  file.close();
  ASSERT_EQ(polyscene_refresh(model_, error_, kRoom), 1) << error_;
  polyscene_request_free(std::exchange(request_, whole_request(model_)));
  std::vector<float> out(3, -1);
  for (const int64_t most_rows : {0, 3}) {
    ASSERT_EQ(polyscene_join_requests(model_, most_rows, 0, 1, error_, kRoom), 0);
    EXPECT_EQ(
        words(polyscene_score(model_, request_, out.data(), error_, kRoom)),
        "[serve] row 0 has no score but NaN: one of its numbers is too large for the model, or a row of a table is "
        "damaged");
    EXPECT_THAT(out, ElementsAre(-1, -1, -1));
  }
}

TEST_F(CInterfaceTest, TheHostsThreadsStayItsOwn) {
  polyscene_model* const model = polyscene_open(folder_.c_str(), 2, error_, kRoom);
  polyscene_request* const request = whole_request(model);
  const ThreadCountScope host(3);
  std::vector<float> out(3, -1), alone = scores();
  for (const int64_t most_rows : {0, 3}) {
    EXPECT_EQ(polyscene_join_requests(model, most_rows, 0, 1, error_, kRoom), 0);
    EXPECT_EQ(polyscene_score(model, request, out.data(), error_, kRoom), 0) << error_;
    EXPECT_EQ(out, alone);
    EXPECT_EQ(thread_count(), 3);
  }
  constexpr int64_t kOutside[] = {1, 2, 100};
  EXPECT_EQ(polyscene_set_ids(request, "item", kOutside, error_, kRoom), 0);
  EXPECT_EQ(words(polyscene_score(model, request, out.data(), error_, kRoom)),
            "[serve] row 2, column \"item\": id outside [0, 99], got 100");
  EXPECT_EQ(thread_count(), 3);
  EXPECT_EQ(out, alone);
  polyscene_request_free(request);
  polyscene_close(model);
}

// A thread is told to end while it waits for another, which then scores for both: it ends no sooner than the call.
TEST_F(CInterfaceTest, AThreadIsNotCancelledInACall) {
  const std::vector<float> alone = scores();
  ASSERT_EQ(polyscene_join_requests(model_, 6, kAnHour, 1, error_, kRoom), 0);
  struct Cancelled {
    polyscene_model* model;
    polyscene_request* request = whole_request(model);
    std::vector<float> scores = std::vector<float>(3, -1);
    std::promise<void> begun = {};
    int state_behind = -1;
  } cancelled{.model = model_};
  const auto work = [](void* argument) -> void* {
    auto& self = *static_cast<Cancelled*>(argument);
    self.begun.set_value();
    const int status = polyscene_score(self.model, self.request, self.scores.data(), nullptr, 0);
    // Ended here it would leave its stack to the sanitizers as they do not know it.
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &self.state_behind);
    EXPECT_EQ(status, 0);
    return nullptr;
  };
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, nullptr, work, &cancelled), 0);
  cancelled.begun.get_future().get();
  EXPECT_EQ(pthread_cancel(thread), 0);
  EXPECT_THAT(scores(), ::testing::Pointwise(::testing::FloatNear(1e-6f), alone));
  void* result = nullptr;
  pthread_join(thread, &result);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(cancelled.state_behind, PTHREAD_CANCEL_ENABLE);
  EXPECT_THAT(cancelled.scores, ::testing::Pointwise(::testing::FloatNear(1e-6f), alone));
  polyscene_request_free(cancelled.request);
}

// While versions come and are taken by several threads, the folder can be read, and goes on only to newer ones.
TEST_F(CInterfaceTest, TheFolderIsReadWhileVersionsAreTaken) {
  const char* const first = polyscene_folder(model_);
  EXPECT_THAT(first, EndsWith("/1"));
  constexpr int kVersions = 6;
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      int newest = 0;
      while (!done) {
        EXPECT_GE(polyscene_refresh(model_, nullptr, 0), 0);
        const std::string folder = polyscene_folder(model_);
        const int version = std::stoi(folder.substr(folder.rfind('/') + 1));
        EXPECT_GE(version, newest);
        newest = version;
      }
    });
  for (int version = 2; version <= kVersions; ++version) {
    testing::write_version(path("new"), static_cast<uint64_t>(version));
    std::filesystem::rename(path("new"), path(std::to_string(version)));
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(polyscene_refresh(model_, error_, kRoom), 0);
  EXPECT_THAT(polyscene_folder(model_), EndsWith("/6"));
  EXPECT_THAT(first, EndsWith("/1"));  // what was given stays readable
}

TEST_F(CInterfaceTest, VerifyReadsWhatOpeningLeavesOut) {
  EXPECT_EQ(polyscene_verify(model_, error_, kRoom), 0) << error_;
  const std::string rows = path("1/tables/item.rows");
  std::fstream file(rows, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(200);
  file.put('x').flush();
  const serve::Model model(path("1"));  // opens
  const std::string said =
      "[serve] " + rows + " is not what was written: its checksum differs; copy it again, or export again";
  EXPECT_EQ(words(polyscene_verify(model_, error_, kRoom)), said);
  try {
    model.verify();
    ADD_FAILURE() << "was not refused";
  } catch (const serve::Error& error) {
    EXPECT_EQ(error.what(), said);
  }
}

TEST_F(CInterfaceTest, CppChecksWhatCCannotSee) {
  const auto refused = [](const std::function<void()>& call) {
    try {
      call();
    } catch (const serve::Error& error) {
      return std::string(error.what());
    }
    return std::string("not refused");
  };
  serve::Model model(folder_.string());
  serve::Request request(model, 2);
  const std::vector<int64_t> ids = {1, 2, 3};
  const std::vector<std::string> texts = {"a"};
  EXPECT_EQ(refused([&] { request.ids("user", ids); }), "column \"user\": wanted 2 values or offsets, got 3");
  EXPECT_EQ(refused([&] { request.strings("user", texts); }), "column \"user\": wanted 2 values or offsets, got 1");
  EXPECT_EQ(refused([&] {
              request.id_lists("tags", std::vector<int64_t>{0, 3}, ids);
            }),
            "column \"tags\": wanted 3 values or offsets, got 2");
  EXPECT_EQ(refused([&] {
              request.id_lists("tags", std::vector<int64_t>{0, 3, 4}, ids);
            }),
            "[serve] column \"tags\": wanted 3 offsets that ascend from 0 to the 3 values, got 4 as offset 2");
  EXPECT_EQ(refused([&] {
              request.numbers("user", std::vector<double>{1, 2});
            }),
            "[serve] column \"user\": wanted ids or strings, one per row, got numbers; set it with polyscene_set_ids() "
            "or polyscene_set_strings()");
  const std::string with_zero("us\0er", 5);
  EXPECT_EQ(refused([&] {
              request.ids(with_zero, std::vector<int64_t>{1, 2});
            }),
            "wanted a name, got one that goes on behind a zero byte: \"us\"");
  EXPECT_EQ(refused([&] { serve::Model(folder_.string() + std::string("\0x", 2)); }).substr(0, 15), "wanted a name, ");
  EXPECT_EQ(refused([&] { serve::Model(folder_.string(), 2'000'000'000); }),
            "[ops.thread] wanted 1 to 4096 threads, got 2000000000");
  EXPECT_EQ(refused([&] { serve::Request(model, int64_t{1} << 31); }),
            "[serve] wanted 0 to 1048576 rows, got 2147483648; score them in several requests");

  const std::vector<std::optional<std::string>> nullable = {"a", std::nullopt};
  request.strings("user", nullable).ids("item", std::vector<int64_t>{1, 2}).ids("scene", std::vector<int64_t>{1, 2});
  request.string_lists("tags", std::vector<int64_t>{0, 0, 2}, nullable);
  request.number_lists("tag_weights", std::vector<int64_t>{0, 0, 2}, std::vector<double>{1, 1});
  for (const char* side : {"history_item", "history_scene"}) request.id_lists(side, std::vector<int64_t>{0, 1, 3}, ids);
  request.string_lists("tags", std::vector<int64_t>{0, 0, 2}, std::vector<std::string>{"a", ""});
  EXPECT_EQ(model.score(request).size(), 2u);

  const serve::Request moved_to = std::move(request);
  EXPECT_EQ(refused([&] { (void)model.score(request); }), "[serve] wanted a request, got NULL");
  const serve::Model other = std::move(model);
  EXPECT_EQ(refused([&] { (void)model.folder(); }), "wanted a model, got one that was moved from");
  EXPECT_EQ(refused([&] { (void)model.refresh(); }), "[serve] wanted a model, got NULL");
  EXPECT_EQ(other.score(moved_to).size(), 2u);
}

}  // namespace
}  // namespace polyscene::core
