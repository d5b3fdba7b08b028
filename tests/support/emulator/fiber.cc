#include "tests/support/emulator/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace polyscene::simt {
namespace {

constexpr size_t kGuardBytes = 4096, kStackBytes = 64 * 1024;

void before_switch([[maybe_unused]] void** fake, [[maybe_unused]] const void* bottom, [[maybe_unused]] size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(fake, bottom, size);
#endif
}

void after_switch([[maybe_unused]] void* fake, [[maybe_unused]] const void** bottom, [[maybe_unused]] size_t* size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, bottom, size);
#endif
}

// A stack above a guard page. Its memory is committed page by page as it is used.
std::byte* map_stack() {
  void* memory = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kGuardBytes, PROT_NONE) != 0) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}

}  // namespace

void Fiber::Unmap::operator()(std::byte* stack) const { munmap(stack, kGuardBytes + kStackBytes); }

Fiber::Fiber() : stack_(map_stack()) {}

void Fiber::start(std::function<void()> body) {
  body_ = std::move(body);
  done_ = false;
  fake_inside_ = nullptr;
  getcontext(&inside_);
  inside_.uc_stack.ss_sp = stack_.get() + kGuardBytes;
  inside_.uc_stack.ss_size = kStackBytes;
  inside_.uc_link = nullptr;
  const auto self = reinterpret_cast<uintptr_t>(this);
  makecontext(&inside_, reinterpret_cast<void (*)()>(enter), 2, static_cast<unsigned>(self),
              static_cast<unsigned>(self >> 32));
}

void Fiber::resume() {
  before_switch(&fake_outside_, stack_.get() + kGuardBytes, kStackBytes);
  swapcontext(&outside_, &inside_);
  after_switch(fake_outside_, nullptr, nullptr);
}

void Fiber::leave() {
  before_switch(done_ ? nullptr : &fake_inside_, outside_bottom_, outside_size_);
  swapcontext(&inside_, &outside_);
  after_switch(fake_inside_, &outside_bottom_, &outside_size_);
}

void Fiber::enter(unsigned low, unsigned high) {
  reinterpret_cast<Fiber*>(static_cast<uintptr_t>(high) << 32 | low)->run();
}

void Fiber::run() {
  after_switch(nullptr, &outside_bottom_, &outside_size_);
  body_();
  done_ = true;
  leave();
}

}  // namespace polyscene::simt
