#include "tests/fuzz/largest_request.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace polyscene::testing {
namespace {

std::atomic<size_t> largest_request = 0;

void note(size_t bytes) {
  size_t before = largest_request;
  while (bytes > before && !largest_request.compare_exchange_weak(before, bytes)) continue;
}

void* noted(size_t bytes, size_t alignment = alignof(std::max_align_t)) {
  note(bytes);
  const size_t rounded = (std::max<size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  return alignment <= alignof(std::max_align_t) ? std::malloc(rounded) : std::aligned_alloc(alignment, rounded);
}

void* noted_or_throw(size_t bytes, size_t alignment = alignof(std::max_align_t)) {
  void* const memory = noted(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

size_t take_largest_request() { return largest_request.exchange(0); }

}  // namespace polyscene::testing

using polyscene::testing::noted;
using polyscene::testing::noted_or_throw;

// All of them, because a sanitizer has its own of each, and what one gives the other's delete must not get.
void* operator new(size_t n) { return noted_or_throw(n); }
void* operator new[](size_t n) { return noted_or_throw(n); }
void* operator new(size_t n, std::align_val_t a) { return noted_or_throw(n, static_cast<size_t>(a)); }
void* operator new[](size_t n, std::align_val_t a) { return noted_or_throw(n, static_cast<size_t>(a)); }
void* operator new(size_t n, const std::nothrow_t&) noexcept { return noted(n); }
void* operator new[](size_t n, const std::nothrow_t&) noexcept { return noted(n); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }

// Memory of tensors: the linker sends the program's own calls here (--wrap).
extern "C" void* __real_aligned_alloc(size_t alignment, size_t bytes);
extern "C" void* __wrap_aligned_alloc(size_t alignment, size_t bytes) {
  polyscene::testing::note(bytes);
  return __real_aligned_alloc(alignment, bytes);
}
