#include "core/files/safetensors_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "ops/base/error.h"

namespace polyscene::core {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kLongestHeader = 100'000'000;  // bytes; the limit of the format's own reader
constexpr int kDeepestHeader = 3;                 // depth of the extents of a shape

// Bytes of an element; 0 for types that the format does not have.
uint64_t element_bytes(const std::string& type) {
  static const std::map<std::string, uint64_t> kBytes = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
      {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"F64", 8},     {"I64", 8}, {"U64", 8}};
  const auto found = kBytes.find(type);
  return found == kBytes.end() ? 0 : found->second;
}

// Depth of nesting of the JSON text. It is bounded because the JSON library's functions are recursive and could exhaust
// the stack. A callback of the parser could check the depth too, but takes quadratic time in the number of tensors.
int depth_of(std::string_view json) {
  int depth = 0, deepest = 0;
  bool inside = false;  // inside a string
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (inside) {
      if (c == '\\') ++i;
      inside = c != '"';
    } else if (c == '"') {
      inside = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

class Reader {
 public:
  Reader(const std::string& path, std::span<const char> file) : path_(path), file_(file) {}

  SafetensorsHeader read() {
    const uint64_t length = header_length();
    header_.data_begin = kLengthBytes + length;
    const std::string_view text(file_.data() + kLengthBytes, length);
    const Json json = Json::parse(text, nullptr, false);
    check(json.is_object(), "wanted a JSON object as header, got something else");
    const int deepest = depth_of(text);
    check(deepest <= kDeepestHeader, "wanted tensors with type, shape and place as header, got values ", deepest,
          " levels deep");
    for (const auto& [name, value] : json.items()) {
      if (name == "__metadata__")
        read_metadata(value);
      else
        header_.tensors.emplace(name, read_entry("tensor \"" + name + "\"", value));
    }
    check_cover();
    return std::move(header_);
  }

 private:
  template <class... Parts>
  void check(bool ok, const Parts&... parts) const {
    require<DataError>(ok, "[files] ", path_, ": ", parts..., "; the file is damaged or not a safetensors file");
  }

  [[nodiscard]] uint64_t header_length() const {
    check(file_.size() >= kLengthBytes, "wanted at least ", kLengthBytes, " bytes, got ", file_.size());
    uint64_t length = 0;
    for (size_t i = 0; i < kLengthBytes; ++i) length |= uint64_t{static_cast<unsigned char>(file_[i])} << (8 * i);
    const uint64_t most = std::min(kLongestHeader, uint64_t{file_.size()} - kLengthBytes);
    check(length <= most, "wanted a header of at most ", most, " bytes, its length says ", length);
    return length;
  }

  void read_metadata(const Json& json) {
    check(json.is_object(), "wanted an object as __metadata__, got ", json.type_name());
    for (const auto& [key, value] : json.items()) {
      check(value.is_string(), "wanted a string as metadata \"", key, "\", got ", value.type_name());
      header_.metadata[key] = value.get<std::string>();
    }
  }

  [[nodiscard]] uint64_t whole(const std::string& what, const Json& json) const {
    check(json.is_number_unsigned(), what, ": wanted a whole number of at least 0, got ", json.dump());
    return json.get<uint64_t>();
  }

  [[nodiscard]] SafetensorsEntry read_entry(const std::string& what, const Json& json) const {
    const auto member = [&](const char* key, bool (Json::*is)() const noexcept) -> const Json& {
      check(json.is_object() && json.contains(key) && (json.at(key).*is)(), what,
            ": wanted dtype, shape and data_offsets, got ",
            json.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 200));
      return json.at(key);
    };
    SafetensorsEntry entry;
    entry.type = member("dtype", &Json::is_string).get<std::string>();
    for (const Json& extent : member("shape", &Json::is_array)) entry.shape.push_back(whole(what, extent));
    const Json& offsets = member("data_offsets", &Json::is_array);
    check(offsets.size() == 2, what, ": wanted two data_offsets, got ", offsets.size());
    entry.begin = whole(what, offsets[0]);
    entry.end = whole(what, offsets[1]);
    check_size(what, entry);
    return entry;
  }

  void check_size(const std::string& what, const SafetensorsEntry& entry) const {
    uint64_t bytes = element_bytes(entry.type);
    check(bytes > 0, what, ": wanted a known dtype, got \"", entry.type, "\"");
    bool fits = true;
    for (uint64_t extent : entry.shape) fits = !__builtin_mul_overflow(bytes, extent, &bytes) && fits;
    const uint64_t data_bytes = file_.size() - header_.data_begin;
    check(entry.begin <= entry.end && entry.end <= data_bytes, what, ": wanted bytes inside the ", data_bytes,
          " of data, got ", entry.begin, " to ", entry.end);
    check(fits && entry.end - entry.begin == bytes, what, ": wanted as many bytes as dtype and shape say, got ",
          entry.end - entry.begin);
  }

  // An overlap would let bytes belong to two tensors; a gap would hide bytes.
  void check_cover() const {
    std::vector<std::pair<const SafetensorsEntry*, const std::string*>> order;
    for (const auto& [name, entry] : header_.tensors) order.emplace_back(&entry, &name);
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first->begin, a.first->end) < std::pair(b.first->begin, b.first->end);
    });
    uint64_t covered = 0;
    for (const auto& [entry, name] : order) {
      check(entry->begin == covered, "tensor \"", *name, "\": wanted it to start at byte ", covered,
            " of the data, where the one before ends, got ", entry->begin);
      covered = entry->end;
    }
    check(covered == file_.size() - header_.data_begin, "wanted tensors to cover the ",
          file_.size() - header_.data_begin, " bytes of data, they cover ", covered);
  }

  std::string path_;
  std::span<const char> file_;
  SafetensorsHeader header_;
};

}  // namespace

SafetensorsHeader read_safetensors_header(const std::string& path, std::span<const char> file) {
  return Reader(path, file).read();
}

const char* safetensors_type(DType type) {
  constexpr const char* kNames[] = {"F32", "F64", "I32", "I64"};
  return kNames[static_cast<int>(type)];
}

}  // namespace polyscene::core
