#include "tests/fuzz/serve_calls.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "ops/base/error.h"
#include "ops/base/thread.h"

namespace polyscene::testing {
namespace {

constexpr int64_t kMostInt64 = std::numeric_limits<int64_t>::max();
constexpr int kTooManyThreads = POLYSCENE_MAX_THREADS + 1;
const std::string kLongWord(5000, 'x');

const char* const kColumnNames[] = {
    "user",          "item",  "scene", "price",           "tags", "tag_weights", "history_item",
    "history_scene", "click", "",      kLongWord.c_str(), nullptr};
const std::map<std::string, std::set<ServeCall>> kSetters = {
    {"user", {ServeCall::kIds, ServeCall::kStrings}},
    {"item", {ServeCall::kIds}},
    {"scene", {ServeCall::kIds, ServeCall::kStrings}},
    {"price", {ServeCall::kNumbers}},
    {"tags", {ServeCall::kIdLists, ServeCall::kStringLists}},
    {"tag_weights", {ServeCall::kNumberLists}},
    {"history_item", {ServeCall::kIdLists, ServeCall::kStringLists}},
    {"history_scene", {ServeCall::kIdLists, ServeCall::kStringLists}},
};

// Whether the call was taken, which must be so where what was handed over is sound, and only there.
bool settled(const ErrorRoom& error, bool taken, bool sound) {
  error.check(!taken);
  if (taken && !sound) throw std::logic_error("a call took what it must refuse");
  if (!taken && sound) throw std::logic_error("a call refused what is right: " + error.words());
  return taken;
}

}  // namespace

ServeCalls::~ServeCalls() {
  for (const Made& request : requests_) polyscene_request_free(request.handle);
  polyscene_close(models_[1]);
}

void ServeCalls::run() {
  constexpr size_t kMostCalls = 64;
  bool refused = false;
  const int host_threads = thread_count();
  for (size_t calls = 0; calls < kMostCalls && !choices_.done(); ++calls) {
    refused |= !call(static_cast<ServeCall>(choices_.next() % static_cast<size_t>(ServeCall::kCount)));
    if (thread_count() != host_threads) throw std::logic_error("a call changed the host's threads");
  }
  require(!refused, "a call was refused");
}

bool ServeCalls::call(ServeCall which) {
  switch (which) {
    case ServeCall::kNew:
      return make();
    case ServeCall::kFree:
      return drop();
    case ServeCall::kIds:
    case ServeCall::kStrings:
    case ServeCall::kNumbers:
      return set_values(which);
    case ServeCall::kIdLists:
    case ServeCall::kStringLists:
    case ServeCall::kNumberLists:
      return set_lists(which);
    case ServeCall::kScore:
      return score();
    case ServeCall::kOpen:
      return open();
    case ServeCall::kClose:
      return close();
    case ServeCall::kRefresh:
      return refresh();
    case ServeCall::kJoin:
      return join();
    default:
      polyscene_model* const of = model();
      return settled({0, false}, polyscene_folder(of) != nullptr, of != nullptr);
  }
}

bool ServeCalls::make() {
  Made& place = requests_[choices_.next() % 2];
  polyscene_model* const with = model();
  const auto rows = choices_.of<int64_t>(
      {3, 3, 0, 1, 2, 7, 64, POLYSCENE_MAX_ROWS, POLYSCENE_MAX_ROWS + 1, -1, kMostInt64 / 8, kMostInt64});
  ErrorRoom error = room();
  polyscene_request* const made = polyscene_request_new(with, rows, error.get(), error.bytes());
  if (made != nullptr) {
    polyscene_request_free(place.handle);
    place = {made, with, rows};
  }
  return settled(error, made != nullptr, with != nullptr && rows >= 0 && rows <= POLYSCENE_MAX_ROWS);
}

bool ServeCalls::drop() {
  polyscene_request_free(std::exchange(requests_[choices_.next() % 2], {}).handle);
  return true;
}

bool ServeCalls::set_values(ServeCall which) {
  Setting to = setting(which);
  const auto done = [&](int status, bool sound) { return settled(to.error, status == 0, to.sound && sound); };
  if (which == ServeCall::kIds) {
    Handed<int64_t> all = ids(to.rows);
    return done(polyscene_set_ids(to.request, to.column, all.get(), to.error.get(), to.error.bytes()), all.sound());
  }
  if (which == ServeCall::kNumbers) {
    Handed<double> all = numbers(to.rows);
    return done(polyscene_set_numbers(to.request, to.column, all.get(), to.error.get(), to.error.bytes()), all.sound());
  }
  Texts all = texts(to.rows);
  return done(polyscene_set_strings(to.request, to.column, all.texts.get(), all.lengths.get(), to.error.get(),
                                    to.error.bytes()),
              all.sound());
}

bool ServeCalls::set_lists(ServeCall which) {
  Setting to = setting(which);
  Lists of = lists(to.rows);
  const auto done = [&](int status, bool sound) {
    return settled(to.error, status == 0, to.sound && of.sound() && sound);
  };
  if (which == ServeCall::kIdLists) {
    Handed<int64_t> all = ids(of.handed);
    return done(polyscene_set_id_lists(to.request, to.column, of.offsets.get(), all.get(), of.count, to.error.get(),
                                       to.error.bytes()),
                all.sound());
  }
  if (which == ServeCall::kNumberLists) {
    Handed<double> all = numbers(of.handed);
    return done(polyscene_set_number_lists(to.request, to.column, of.offsets.get(), all.get(), of.count, to.error.get(),
                                           to.error.bytes()),
                all.sound());
  }
  Texts all = texts(of.handed);
  return done(polyscene_set_string_lists(to.request, to.column, of.offsets.get(), all.texts.get(), all.lengths.get(),
                                         of.count, to.error.get(), to.error.bytes()),
              all.sound());
}

// That rows are refused for their values is told elsewhere: a call that is taken must be right.
bool ServeCalls::score() {
  const Made& of = request();
  polyscene_model* const with = model();
  ErrorRoom error = room();
  Handed<float> out = handed(std::vector<float>(static_cast<size_t>(of.rows), -1));
  const bool taken = polyscene_score(with, of.handle, out.get(), error.get(), error.bytes()) == 0;
  error.check(!taken);
  const std::vector<float>& scores = out.elements();
  if (!taken) return false;
  if (with == nullptr || of.handle == nullptr || of.model != with || !out.sound())
    throw std::logic_error("a call took what it must refuse");
  if (!std::ranges::all_of(scores, [](float p) { return p >= 0 && p <= 1; }))
    throw std::logic_error("a score is no probability");
  std::vector<float> again(scores.size(), -1);
  if (polyscene_score(with, of.handle, again.data(), nullptr, 0) != 0 || again != scores)
    throw std::logic_error("a request scores in two ways");
  return true;
}

// Once, since it takes time.
bool ServeCalls::open() {
  const std::string one = folder_ + "/1", none = folder_ + "/none";
  const char* const folder =
      choices_.of<const char*>({folder_.c_str(), one.c_str(), none.c_str(), kLongWord.c_str(), "", nullptr});
  const int threads = choices_.of<int>({1, 2, 0, -1, kTooManyThreads, 2'000'000'000});
  ErrorRoom error = room();
  if (std::exchange(opened_, true)) return true;
  polyscene_model* const opened = polyscene_open(folder, threads, error.get(), error.bytes());
  const bool sound = (threads == 1 || threads == 2) && (folder == folder_.c_str() || folder == one.c_str());
  models_[1] = opened;
  return settled(error, opened != nullptr, sound);
}

// Its requests go before it.
bool ServeCalls::close() {
  for (Made& request : requests_)
    if (request.model != nullptr && request.model == models_[1])
      polyscene_request_free(std::exchange(request, {}).handle);
  polyscene_close(std::exchange(models_[1], nullptr));
  return true;
}

bool ServeCalls::refresh() {
  polyscene_model* const of = model();
  ErrorRoom error = room();
  return settled(error, polyscene_refresh(of, error.get(), error.bytes()) >= 0, of != nullptr);
}

bool ServeCalls::join() {
  polyscene_model* const of = model();
  ErrorRoom error = room();
  const auto most_rows = choices_.of<int64_t>({4, 0, 1, POLYSCENE_MAX_ROWS, -1, POLYSCENE_MAX_ROWS + 1, kMostInt64});
  const auto wait_us = choices_.of<int64_t>({0, 1, -1, POLYSCENE_MAX_WAIT_US + 1, kMostInt64});
  const int at_once = choices_.of<int>({1, 2, 0, -1, kTooManyThreads, 2'000'000'000});
  const bool sound = of != nullptr && most_rows >= 0 && most_rows <= POLYSCENE_MAX_ROWS &&
                     (wait_us == 0 || wait_us == 1) && (at_once == 1 || at_once == 2);
  return settled(error, polyscene_join_requests(of, most_rows, wait_us, at_once, error.get(), error.bytes()) == 0,
                 sound);
}

polyscene_model* ServeCalls::model() { return choices_.of<polyscene_model*>({models_[0], models_[1], nullptr}); }

ServeCalls::Made& ServeCalls::request() {
  none_ = {};
  return *choices_.of({&requests_[0], &requests_[1], &none_});
}

ErrorRoom ServeCalls::room() {
  const size_t bytes = choices_.of<size_t>({300, 0, 1, 8, 40});
  return {bytes, choices_.next() < 200};
}

// Values are there for few rows alone: with more of them the setter gets none, and must refuse that.
ServeCalls::Setting ServeCalls::setting(ServeCall setter) {
  constexpr int64_t kFewRows = 64;
  const Made& of = request();
  const char* const column = kColumnNames[choices_.next() % std::size(kColumnNames)];
  const auto known = column == nullptr ? kSetters.end() : kSetters.find(column);
  const bool fits = known != kSetters.end() && known->second.contains(setter), few = of.rows <= kFewRows;
  return {.request = few ? of.handle : nullptr,
          .column = column,
          .rows = few ? of.rows : 0,
          .sound = few && fits && of.handle != nullptr,
          .error = room()};
}

template <class T>
Handed<T> ServeCalls::handed(std::vector<T> elements) {
  using Where = typename Handed<T>::Where;
  return {std::move(elements), choices_.of<Where>({Where::kThere, Where::kThere, Where::kNull, Where::kOdd})};
}

template <class T, size_t n>
Handed<T> ServeCalls::some(int64_t count, const T (&all)[n]) {
  std::vector<T> chosen(static_cast<size_t>(count));
  for (T& x : chosen) x = choices_.of(all);
  return handed(std::move(chosen));
}

Handed<int64_t> ServeCalls::ids(int64_t count) {
  return some<int64_t>(count, {1, 0, 5, 19, 99, 100, -1, POLYSCENE_NULL_ID, kMostInt64});
}

Handed<double> ServeCalls::numbers(int64_t count) {
  return some<double>(count, {1, 0, 2.5, -1, -0.0, 1e300, 5e-324, HUGE_VAL, NAN});
}

// Now and then a length is one that no text has.
ServeCalls::Texts ServeCalls::texts(int64_t count) {
  Handed<const char*> texts = some<const char*>(count, {"a", "", "user-1", "\xff\xfe", kLongWord.c_str(), nullptr});
  std::vector<size_t> lengths;
  for (const char* text : texts.elements())
    lengths.push_back(choices_.next() < 240 ? std::string_view(text == nullptr ? "" : text).size() : SIZE_MAX);
  return {std::move(texts), handed(std::move(lengths))};
}

bool ServeCalls::Texts::sound() const {
  for (size_t i = 0; i < texts.elements().size(); ++i)
    if (texts.elements()[i] != nullptr && lengths.elements()[i] > POLYSCENE_MAX_STRING_BYTES) return false;
  return texts.sound() && lengths.sound();
}

// Either one offset or the count may be another than it should, so that the callee can tell.
ServeCalls::Lists ServeCalls::lists(int64_t rows) {
  std::vector<int64_t> offsets = {0};
  for (int64_t row = 0; row < rows; ++row)
    offsets.push_back(offsets.back() + static_cast<int64_t>(choices_.next() % 4));
  const int64_t values = offsets.back();
  int64_t count = values;
  const auto other = choices_.of<int64_t>({0, 1, -1, 2, kMostInt64, kMostInt64 / 8, -kMostInt64, int64_t{1} << 32});
  if (const size_t what = choices_.next(); what >= 224)
    count = other;
  else if (what >= 192)
    offsets[choices_.next() % offsets.size()] = other;
  return {handed(std::move(offsets)), values, count};
}

bool ServeCalls::Lists::sound() const {
  const std::vector<int64_t>& all = offsets.elements();
  return offsets.sound() && handed == count && all.front() == 0 && all.back() == count && std::ranges::is_sorted(all);
}

}  // namespace polyscene::testing
