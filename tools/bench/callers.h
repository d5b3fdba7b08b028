// Caller threads: each scores one request after the other, without a pause.
#pragma once

#include <algorithm>
#include <functional>
#include <latch>
#include <span>
#include <thread>
#include <vector>

#include "core/features/batch.h"
#include "ops/base/thread.h"
#include "tools/bench/flops.h"

namespace polyscene::bench {

// The p-quantile of the values: a share p of them is at most the result.
inline double quantile(std::vector<double> values, double p) {
  std::ranges::sort(values);
  return values[static_cast<size_t>(p * static_cast<double>(values.size() - 1))];
}

struct CallersRound {
  double requests_per_s = 0, median_ms = 0, p99_ms = 0;
};

// Every caller scores `requests_each` of the requests, in turn, with one thread. An exception of score() ends the
// program.
inline CallersRound run_callers(int callers, int requests_each, std::span<const core::Batch> requests,
                                const std::function<void(const core::Batch&, std::span<float>)>& score) {
  std::vector<std::vector<double>> ms(static_cast<size_t>(callers));
  std::latch ready(callers + 1);
  std::vector<std::thread> threads;
  for (size_t c = 0; c < ms.size(); ++c)
    threads.emplace_back([&, c] {
      set_thread_count(1);
      std::vector<float> logits(static_cast<size_t>(requests[0].rows));
      ready.arrive_and_wait();
      for (int i = 0; i < requests_each; ++i) {
        const double start = now_s();
        score(requests[(c + static_cast<size_t>(i) * ms.size()) % requests.size()], logits);
        ms[c].push_back(1e3 * (now_s() - start));
      }
    });
  ready.arrive_and_wait();
  const double start = now_s();
  for (std::thread& thread : threads) thread.join();
  const double seconds = now_s() - start;
  std::vector<double> all;
  for (const std::vector<double>& of_caller : ms) all.insert(all.end(), of_caller.begin(), of_caller.end());
  return {.requests_per_s = static_cast<double>(all.size()) / seconds,
          .median_ms = quantile(all, 0.5),
          .p99_ms = quantile(all, 0.99)};
}

// The medians over rounds.
inline CallersRound median_of(const std::vector<CallersRound>& rounds) {
  const auto median = [&](double CallersRound::*value) {
    std::vector<double> values;
    for (const CallersRound& round : rounds) values.push_back(round.*value);
    return quantile(values, 0.5);
  };
  return {.requests_per_s = median(&CallersRound::requests_per_s),
          .median_ms = median(&CallersRound::median_ms),
          .p99_ms = median(&CallersRound::p99_ms)};
}

}  // namespace polyscene::bench
