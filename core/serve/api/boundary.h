// The boundary between the C interface and its implementation: arguments are checked before they are read, and no
// exception leaves the library.
#pragma once

#include <pthread.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>

#include "core/serve/request.h"
#include "ops/base/error.h"

namespace polyscene::core::boundary {

// Disables cancellation of the thread while the object lives, because other threads may wait for this one.
class NoCancellation {
 public:
  NoCancellation() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NoCancellation() { pthread_setcancelstate(before_, nullptr); }
  NoCancellation(const NoCancellation&) = delete;
  NoCancellation& operator=(const NoCancellation&) = delete;

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

// Copies as much of the words as fits, with a final 0, without cutting a UTF-8 character.
inline void say(char* error, size_t error_bytes, std::string_view words) noexcept {
  if (error == nullptr || error_bytes == 0) return;
  size_t bytes = std::min(words.size(), error_bytes - 1);
  const auto continues = [&] { return bytes < words.size() && (words[bytes] & 0xC0) == 0x80; };
  while (bytes > 0 && continues()) --bytes;
  std::memcpy(error, words.data(), bytes);
  error[bytes] = 0;
}

// Returns work(); if it throws, writes the message to `error` and returns `failed`.
template <class Result, class Work>
Result guarded(char* error, size_t error_bytes, Result failed, const Work& work) noexcept {
  const NoCancellation uncancelled;
  try {
    return work();
  } catch (const std::bad_alloc&) {
    say(error, error_bytes, "[serve] out of memory; score fewer rows at a time, or with fewer threads");
  } catch (const std::exception& e) {
    say(error, error_bytes, e.what());
  } catch (...) {
    say(error, error_bytes, "[serve] unknown error");
  }
  return failed;
}

template <class T>
T& given(const char* what, T* pointer) {
  require(pointer != nullptr, "[serve] wanted a ", what, ", got NULL");
  return *pointer;
}

// Checks the name of a column.
inline std::string_view name(const char* column) { return &given("column", column); }

// Checks an array of `count` elements: its size, address and alignment.
template <class T>
std::span<T> array(const char* what, T* elements, int64_t count) {
  require(count >= 0 && count <= kMostRequestValues, "[serve] wanted 0 to ", kMostRequestValues, " ", what, ", got ",
          count);
  require(elements != nullptr || count == 0, "[serve] wanted ", count, " ", what, ", got NULL");
  require(count == 0 || reinterpret_cast<uintptr_t>(elements) % alignof(T) == 0, "[serve] wanted ", what,
          " at a multiple of ", alignof(T), " bytes, got another address");
  return {elements, static_cast<size_t>(count)};
}

inline Strings strings(const char* const* texts, const size_t* lengths, int64_t count) {
  return {array("strings", texts, count), array("lengths of strings", lengths, count)};
}

}  // namespace polyscene::core::boundary
