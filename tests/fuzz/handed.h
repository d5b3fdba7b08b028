// What a caller hands to a C interface, made so that a callee which goes astray is found out.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace polyscene::testing {

// Choices, read from the front; zeros when all are read.
class Choices {
 public:
  explicit Choices(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool done() const { return rest_.empty(); }
  size_t next() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  // The first half of the time the first.
  template <class T, size_t n>
  T of(const T (&all)[n]) {
    const size_t choice = next();
    return all[choice < 128 ? 0 : choice % n];
  }

 private:
  std::string_view rest_;
};

// Elements in memory of just their size, so that the address sanitizer sees what is read or written beside them; or
// NULL; or at an odd address.
template <class T>
class Handed {
 public:
  enum Where { kThere, kNull, kOdd };
  Handed(std::vector<T> elements, Where where) : elements_(std::move(elements)), where_(where) {
    elements_.shrink_to_fit();
    if (where_ == kOdd) odd_.resize(elements_.size() * sizeof(T) + 1);
  }
  [[nodiscard]] T* get() {
    return where_ == kNull ? nullptr : where_ == kOdd ? reinterpret_cast<T*>(odd_.data() + 1) : elements_.data();
  }
  // Whether a callee must take it.
  [[nodiscard]] bool sound() const { return where_ == kThere || elements_.empty(); }
  [[nodiscard]] const std::vector<T>& elements() const { return elements_; }

 private:
  std::vector<T> elements_;
  std::vector<char> odd_;
  Where where_;
};

// Room for an error's words, and what is behind it.
class ErrorRoom {
 public:
  // bytes: that the callee is told of. Without room it is handed NULL.
  ErrorRoom(size_t bytes, bool room) : bytes_(bytes), room_(room ? bytes + kBehind : 0, kUntouched) {}
  [[nodiscard]] char* get() { return room_.empty() ? nullptr : room_.data(); }
  [[nodiscard]] size_t bytes() const { return bytes_; }
  [[nodiscard]] std::string words() const { return room_.substr(0, room_.find('\0')); }
  // Throws std::logic_error unless the callee wrote words if it failed and there was room, and nothing else.
  void check(bool failed) const {
    if (room_.empty()) return;
    for (size_t i = failed ? bytes_ : 0; i < room_.size(); ++i)
      if (room_[i] != kUntouched) throw std::logic_error("an error was written where it should not be");
    if (!failed || bytes_ == 0) return;
    const size_t end = room_.find('\0');
    if (end >= bytes_) throw std::logic_error("an error does not end");
    if (end == 0 && bytes_ > 1) throw std::logic_error("an error has no words");
  }

 private:
  static constexpr size_t kBehind = 8;
  static constexpr char kUntouched = '#';
  size_t bytes_;
  std::string room_;
};

}  // namespace polyscene::testing
