// A product that oneDNN has no memory for. In a process of its own, because its address space is closed for good.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "ops/base/error.h"
#include "ops/base/thread.h"
#include "ops/dense/matmul_tiles.h"

namespace polyscene::ops {
namespace {

void allow_no_more_memory() {
  int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit limit{};
  ::getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = static_cast<rlim_t>(pages) * 4096;
  ::setrlimit(RLIMIT_AS, &limit);
}

void multiply_without_memory() {
  constexpr int64_t kSize = 2048;
  const std::vector<float> a(kSize * kSize), b(kSize * kSize);
  std::vector<float> y(kSize * kSize);
  Scratch scratch;
  set_thread_count(1);
  const auto multiply = [&](int64_t size) {
    tiled_product({.rows = size, .inner = size, .cols = size, .a = {{a.data(), size}}, .b = b.data(), .y = y.data()},
                  scratch, [](const Tile&) {});
  };
  multiply(64);  // oneDNN makes its kernels at the first call, and does not look whether it can
  allow_no_more_memory();
  try {
    multiply(kSize);
  } catch (const DeviceError& error) {
    std::cerr << error.what() << std::endl;
    std::_Exit(4);
  }
  std::_Exit(0);
}

TEST(MatmulMemory, NoneLeftIsADeviceError) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // the program anew: nothing that was freed earlier is at hand
  EXPECT_EXIT(multiply_without_memory(), ::testing::ExitedWithCode(4),
              "\\[ops.matmul\\] oneDNN's sgemm failed with status 1; try fewer local ranks if memory is short");
}

}  // namespace
}  // namespace polyscene::ops
