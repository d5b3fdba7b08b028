#include "core/data/scenario_names.h"

#include <arrow/util/utf8.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "core/text/percent.h"
#include "core/text/whole_number.h"
#include "ops/base/error.h"
#include "ops/base/warning.h"

namespace polyscene::core {
namespace {

constexpr size_t kLongest = 1000;  // bytes
constexpr int64_t kNamesFormat = 1;

std::string tidy_name(const std::string& name) {
  std::string_view first = std::string_view(name).substr(0, kLongest);
  arrow::util::InitializeUTF8();
  const bool utf8 = arrow::util::ValidateUTF8(reinterpret_cast<const uint8_t*>(name.data()), std::ssize(name));
  if (!utf8)
    return percent_encoded(first, [](char c) { return static_cast<unsigned char>(c) >= 0x80 || c == '%'; }) +
           (first.size() < name.size() ? "..." : "");
  if (first.size() == name.size()) return name;
  // Moves the cut back so that no UTF-8 character is split.
  while ((static_cast<unsigned char>(name[first.size()]) & 0xC0) == 0x80) first.remove_suffix(1);
  return std::string(first) + "...";
}

void append_bytes(std::vector<char>& to, const void* from, size_t bytes) {
  const char* at = static_cast<const char*>(from);
  to.insert(to.end(), at, at + bytes);
}

}  // namespace

void ScenarioNames::add(int64_t key, const std::string& name) {
  if (names_.contains(key)) return;
  if (names_.size() == max_names_ && key > names_.rbegin()->first) {
    complete_ = false;
    return;
  }
  fresh_.push_back(key);
  keep(key, tidy_name(name));
}

void ScenarioNames::keep(int64_t key, std::string name) {
  names_.emplace(key, std::move(name));
  if (names_.size() <= max_names_) return;
  names_.erase(std::prev(names_.end()));
  complete_ = false;
}

const std::string* ScenarioNames::find(int64_t key) const {
  const auto found = names_.find(key);
  return found == names_.end() ? nullptr : &found->second;
}

void ScenarioNames::share(dist::Communicator& communicator) {
  if (communicator.size() > 1) {
    std::vector<char> mine;
    for (const int64_t key : fresh_) {
      const std::string* name = find(key);
      if (name == nullptr) continue;
      const auto bytes = std::ssize(*name);
      append_bytes(mine, &key, sizeof(key));
      append_bytes(mine, &bytes, sizeof(bytes));
      append_bytes(mine, name->data(), name->size());
    }
    const std::vector<char> all = communicator.all_gather_v<char>(mine);
    for (size_t at = 0; at < all.size();) {
      int64_t head[2];
      std::memcpy(head, all.data() + at, sizeof(head));
      at += sizeof(head);
      keep(head[0], std::string(all.data() + at, head[1]));
      at += head[1];
    }
    int64_t complete = complete_ ? 1 : 0;
    communicator.all_reduce<int64_t>({&complete, 1}, dist::ReduceOp::kMin);
    complete_ = complete > 0;
  }
  fresh_.clear();
  if (complete_ || warned_ || communicator.rank() != 0) return;
  warned_ = true;
  warn(str("[data] more than ", max_names_, " strings in data.scenario_column: further ones are shown by their hash"));
}

std::string ScenarioNames::to_json() const {
  nlohmann::json json = {{"format", kNamesFormat}, {"complete", complete_}, {"names", nlohmann::json::object()}};
  auto& names = json["names"];
  for (const auto& [key, name] : names_) names[std::to_string(key)] = name;
  return json.dump(1) + "\n";
}

ScenarioNames ScenarioNames::from_json(std::string_view text, const std::string& path) {
  const auto wrong = [&] { return DataError(str("[data] ", path, " is not a list of scenario names; it is damaged")); };
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("names") || !json["names"].is_object() || !json.contains("complete") ||
      !json["complete"].is_boolean())
    throw wrong();
  const bool known = json.contains("format") && json["format"] == kNamesFormat;
  require<DataError>(known, "[data] ", path, " is of another format than this program reads, ", kNamesFormat,
                     "; use the program that wrote it, or a newer one");
  ScenarioNames names;
  for (const auto& [key, name] : json["names"].items()) {
    const std::optional<int64_t> number = whole_number<int64_t>(key);
    if (!number || !name.is_string()) throw wrong();
    names.keep(*number, name.get<std::string>());
  }
  names.complete_ = json["complete"].get<bool>();
  return names;
}

}  // namespace polyscene::core
