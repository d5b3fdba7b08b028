// Products under a timer whose handler has no stack of its own, as those of a profiler in the program that we run in.
// POLYSCENE_TIMER_S: seconds of it, 2 where nothing is said.
#include "ops/base/signals.h"

#include <gtest/gtest.h>
#include <omp.h>
#include <pthread.h>
#include <sys/time.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "ops/base/thread.h"
#include "ops/dense/matmul_tiles.h"

namespace polyscene::ops {
namespace {

bool holds_signal(int signal) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

TEST(Signals, AreHeldWhileAProductRuns) {
  ASSERT_FALSE(holds_signal(SIGPROF));
  {
    const SignalsHeld outer;
    {
      const SignalsHeld inner;
      EXPECT_TRUE(holds_signal(SIGPROF) && holds_signal(SIGTERM) && holds_signal(SIGRTMIN));
      EXPECT_FALSE(holds_signal(SIGSEGV) || holds_signal(SIGABRT) || holds_signal(SIGFPE));
    }
    EXPECT_TRUE(holds_signal(SIGPROF));
  }
  EXPECT_FALSE(holds_signal(SIGPROF));
}

// The caller's mask is its own again behind a loop; that of the workers which the loop started never is another.
TEST(Signals, WorkersHoldThemForGood) {
  std::thread([] {
    set_thread_count(3);
    std::atomic<int> open = 0;
    std::atomic<bool> worked = false;
    const auto caller = pthread_self();
    while (!worked)
      parallel_for(100, 1, [&](int64_t, int64_t) {
        if (pthread_equal(caller, pthread_self()) != 0) return std::this_thread::yield();
        worked = true;
        if (!holds_signal(SIGPROF)) ++open;
        { const SignalsHeld held; }
        if (!holds_signal(SIGPROF)) ++open;
      });
    EXPECT_EQ(open, 0);
    EXPECT_FALSE(holds_signal(SIGPROF));
  }).join();
}

std::atomic<int64_t> alarms = 0;

class Timer {
 public:
  Timer() {
    struct sigaction action {};
    action.sa_handler = [](int) { ++alarms; };
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, nullptr);
    set(500);
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() {
    set(0);
    std::signal(SIGALRM, SIG_IGN);  // there may be one on its way
  }

 private:
  static void set(long us) {
    const itimerval every{{0, us}, {0, us}};
    setitimer(ITIMER_REAL, &every, nullptr);
  }
};

void set_alarm_mask(int how) {
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(how, &alarm, nullptr);
}

struct TimedProduct {
  int64_t rows, cols, inner;
  bool transpose_a, transpose_b;
};

std::vector<float> timed_product(const TimedProduct& p) {
  std::vector<float> a(static_cast<size_t>(p.rows * p.inner)), b(static_cast<size_t>(p.inner * p.cols));
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 17) - 8;
  for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i % 13) / 8;
  std::vector<float> y(static_cast<size_t>(p.rows * p.cols));
  Scratch scratch;
  tiled_product({.transpose_a = p.transpose_a,
                 .transpose_b = p.transpose_b,
                 .rows = p.rows,
                 .inner = p.inner,
                 .cols = p.cols,
                 .a = {{a.data(), p.transpose_a ? p.rows : p.inner}},
                 .b = b.data(),
                 .y = y.data()},
                scratch, [](const Tile&) {});
  return y;
}

double timer_seconds() {
  const char* wanted = std::getenv("POLYSCENE_TIMER_S");
  return wanted != nullptr ? std::atof(wanted) : 2;
}

class UnderATimer : public ::testing::TestWithParam<int> {};

// A team that the host program made takes signals as before, except in a product. The system prefers a program's first
// thread for its signals, which takes none here.
TEST_P(UnderATimer, ProductsAreWhatTheyAre) {
  set_alarm_mask(SIG_BLOCK);
  std::thread([] {
    set_alarm_mask(SIG_UNBLOCK);
    std::atomic<int> team = 0;
#pragma omp parallel num_threads(GetParam())
    ++team;
    EXPECT_EQ(team, GetParam());
    set_thread_count(GetParam());
    std::vector<TimedProduct> products;
    for (const auto [rows, cols, inner] : {std::array{1024, 256, 176}, {1024, 64, 128}, {4000, 48, 96}, {33, 128, 256}})
      for (const bool a : {false, true})
        for (const bool b : {false, true}) products.push_back({rows, cols, inner, a, b});
    std::vector<std::vector<float>> wanted;
    for (const TimedProduct& product : products) wanted.push_back(timed_product(product));
    const int64_t alarms_before = alarms;
    int64_t wrong = 0;
    {
      const Timer timer;
      const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(timer_seconds() / 2);
      for (size_t i = 0; std::chrono::steady_clock::now() < end; i = (i + 1) % products.size())
        if (timed_product(products[i]) != wanted[i]) ++wrong;
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_GT(alarms - alarms_before, 100);
  }).join();
  set_alarm_mask(SIG_UNBLOCK);
}

INSTANTIATE_TEST_SUITE_P(Threads, UnderATimer, ::testing::Values(1, 3));

}  // namespace
}  // namespace polyscene::ops
