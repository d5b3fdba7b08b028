#include "ops/base/error.h"
#include "tests/core/serve/served_folder.h"
#include "tests/fuzz/serve_calls.h"
#include "tests/fuzz/target.h"

namespace polyscene::testing {
namespace {

constexpr char kCallsFollow = 'c';

// A call, and so many times the first choice of its arguments.
std::string call(ServeCall which, size_t choices) { return static_cast<char>(which) + std::string(choices, '\0'); }

// Of the column with that number; three rows.
std::string set_values(ServeCall setter, char column) {
  const size_t arrays = setter == ServeCall::kStrings ? 2 : 1;
  return static_cast<char>(setter) + (std::string(1, '\0') + column) + std::string(2 + arrays * 4, '\0');
}

// Lists of 2, 0 and 1 values.
std::string set_lists(ServeCall setter, char column) {
  const size_t arrays = setter == ServeCall::kStringLists ? 2 : 1;
  return static_cast<char>(setter) + (std::string(1, '\0') + column) + std::string(2, '\0') + "\2" +
         std::string(1, '\0') + "\1" + std::string(3 + arrays * 4, '\0');
}

class CallsTarget : public FuzzTarget {
 public:
  explicit CallsTarget(const std::string& folder) : folder_(folder + "/export") {
    write_version(folder_ + "/1", 1);
    model_ = polyscene_open(folder_.c_str(), 1, nullptr, 0);
  }
  ~CallsTarget() override { polyscene_close(model_); }
  CallsTarget(const CallsTarget&) = delete;
  CallsTarget& operator=(const CallsTarget&) = delete;

  // One request; one of strings, joined to no other; and a second model, which is opened and closed.
  [[nodiscard]] std::vector<std::string> seeds() const override {
    using enum ServeCall;
    const std::string made = kCallsFollow + call(kNew, 5), scored = call(kScore, 5);
    const std::string common = set_values(kIds, 1) + set_values(kNumbers, 3) + set_lists(kNumberLists, 5);
    const std::string ids = set_values(kIds, 0) + set_values(kIds, 2) + set_lists(kIdLists, 4) +
                            set_lists(kIdLists, 6) + set_lists(kIdLists, 7);
    const std::string strings = set_values(kStrings, 0) + set_values(kStrings, 2) + set_lists(kStringLists, 4) +
                                set_lists(kStringLists, 6) + set_lists(kStringLists, 7);
    return {made + common + ids + scored, made + common + strings + call(kJoin, 6) + scored + call(kFree, 1),
            made + common + ids + call(kOpen, 4) + call(kRefresh, 3) + scored + call(kClose, 0) + call(kFolder, 1)};
  }

  void read(const std::string& bytes) override {
    require(!bytes.empty() && bytes[0] == kCallsFollow, "wanted calls, got other bytes");
    polyscene_join_requests(model_, 0, 0, 1, nullptr, 0);
    ServeCalls(model_, folder_, std::string_view(bytes).substr(1)).run();
  }

  // Columns of as many rows as there may be.
  [[nodiscard]] size_t fixed_bytes() const override { return size_t{1} << 24; }

 private:
  std::string folder_;
  polyscene_model* model_;
};

}  // namespace

std::unique_ptr<FuzzTarget> make_calls_target(const std::string& folder) {
  return std::make_unique<CallsTarget>(folder);
}

}  // namespace polyscene::testing
