// Time of a training step by stage.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/session/backend.h"

namespace polyscene::core {

enum class Stage : uint8_t { kDedup, kLookup, kDense, kAllReduce, kDenseUpdate, kSparseUpdate };
inline constexpr std::array<std::string_view, 6> kStageNames = {"dedup",      "lookup",       "dense fwd+bwd",
                                                                "all-reduce", "dense update", "sparse update"};

// lap() adds the time since construction or the last lap to a stage.
class StageClock {
 public:
  // Marks stages for the profilers of `backend`. With `wait`, each lap first waits for all queued work.
  StageClock(std::span<double> seconds, Backend& backend, bool wait)
      : seconds_(seconds), backend_(backend), wait_(wait) {
    begin_stage();
  }
  StageClock(const StageClock&) = delete;
  StageClock& operator=(const StageClock&) = delete;
  ~StageClock() { end_stage(); }
  void lap(Stage stage) {
    if (wait_) backend_.wait();
    end_stage();
    stage_ = static_cast<size_t>(stage) + 1;
    begin_stage();
    const auto now = std::chrono::steady_clock::now();
    seconds_[static_cast<size_t>(stage)] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  void begin_stage() {
    if (stage_ < kStageNames.size()) backend_.begin_stage(kStageNames[stage_].data());
  }
  void end_stage() {
    if (stage_ < kStageNames.size()) backend_.end_stage();
  }

  std::span<double> seconds_;
  Backend& backend_;
  bool wait_;
  size_t stage_ = 0;  // the current one
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace polyscene::core
