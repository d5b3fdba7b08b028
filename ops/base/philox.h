// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
// A number is a pure function of (key, counter), so it depends neither on arrival order nor on threads or ranks.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace polyscene {

__extension__ using uint128 = unsigned __int128;
using PhiloxBlock = std::array<uint32_t, 4>;

// One block of four independent uniform 32-bit numbers.
[[nodiscard]] constexpr PhiloxBlock philox(uint64_t key, uint64_t counter_low, uint64_t counter_high) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  PhiloxBlock c = {static_cast<uint32_t>(counter_low), static_cast<uint32_t>(counter_low >> 32),
                   static_cast<uint32_t>(counter_high), static_cast<uint32_t>(counter_high >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

// Uniform in (0, 1): never 0, never 1.
[[nodiscard]] constexpr double uniform_open(uint32_t bits) { return (bits + 0.5) * (1.0 / 4294967296.0); }

// Two independent standard normal numbers from two uniform ones (Box-Muller).
[[nodiscard]] inline std::array<double, 2> box_muller(uint32_t a, uint32_t b) {
  const double radius = std::sqrt(-2.0 * std::log(uniform_open(a)));
  const double angle = 6.283185307179586476925 * uniform_open(b);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

// A mixing step for deriving independent keys from (seed, stream) pairs: splitmix64's finaliser.
[[nodiscard]] constexpr uint64_t mix64(uint64_t x) {
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9ull;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

// Draws numbers one after the other from one (key, stream) sequence. Cheap to create; a copy forks the sequence.
class PhiloxStream {
 public:
  explicit PhiloxStream(uint64_t key, uint64_t stream = 0) : key_(key), stream_(stream) {}

  [[nodiscard]] uint32_t next_u32() {
    if (used_ == 4) {
      block_ = philox(key_, counter_++, stream_);
      used_ = 0;
    }
    return block_[used_++];
  }
  // Uniform in [0, bound) with negligible modulo bias (64-bit multiply-shift); bound > 0.
  [[nodiscard]] uint64_t next_below(uint64_t bound) {
    const uint64_t bits = (uint64_t{next_u32()} << 32) | next_u32();
    return static_cast<uint64_t>((static_cast<uint128>(bits) * bound) >> 64);
  }
  [[nodiscard]] double next_uniform() { return uniform_open(next_u32()); }
  [[nodiscard]] double next_normal() {
    const uint32_t a = next_u32();
    return box_muller(a, next_u32())[0];
  }

 private:
  uint64_t key_, stream_, counter_ = 0;
  PhiloxBlock block_{};
  int used_ = 4;
};

}  // namespace polyscene
