// A fiber, one emulated thread: a stack and a point of execution that can be left and resumed.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>
#include <memory>

namespace polyscene::simt {

class Fiber {
 public:
  Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Sets the body that resume() runs, from its beginning. The body must not throw.
  void start(std::function<void()> body);
  // Runs the body until it ends or calls leave(). Call it from outside the body only.
  void resume();
  // Returns to the caller of resume(). Call it from within the body only.
  void leave();
  [[nodiscard]] bool done() const { return done_; }

 private:
  static void enter(unsigned low, unsigned high);
  void run();

  struct Unmap {
    void operator()(std::byte* stack) const;
  };
  std::unique_ptr<std::byte, Unmap> stack_;
  std::function<void()> body_;
  ucontext_t inside_{}, outside_{};
  bool done_ = true;
  // State of the address sanitizer for the two stacks.
  void *fake_inside_ = nullptr, *fake_outside_ = nullptr;
  const void* outside_bottom_ = nullptr;
  size_t outside_size_ = 0;
};

}  // namespace polyscene::simt
