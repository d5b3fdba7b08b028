// Rows that many samples read. Their lists of readers are cut into pieces; lists may begin, end or continue at a cut.
#include <gtest/gtest.h>

#include <numeric>

#include "ops/jagged/dap.h"
#include "ops/jagged/scatter_add_rows.h"
#include "tests/ops/call.h"
#include "tests/support/compare.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/random.h"

namespace polyscene::testing {
namespace {

const Attributes kThreeRows = Attributes::of(ops::ScatterAddRowsAttributes{3});

// An index with the given numbers of -1, 0, 1 and 2, in a shuffled order.
Tensor index_with(const std::array<int32_t, 4>& times) {
  const int32_t count = std::accumulate(times.begin(), times.end(), 0);
  Tensor index(DType::kInt32, {count});
  const auto at = index.elements<int32_t>();
  size_t next = 0;
  for (int32_t row = -1; row < 3; ++row)
    for (int32_t i = 0; i < times[static_cast<size_t>(row + 1)]; ++i) at[next++] = row;
  PhiloxStream random(11);
  for (size_t i = at.size(); i > 1; --i) std::swap(at[i - 1], at[random.next_below(i)]);
  return index;
}

// Sums of small integers are exact, so a source that is lost or counted twice is detected.
TEST(HotRows, LoseNoSourceWhereverTheirListsAreCut) {
  for (const std::array<int32_t, 4>& times : {std::array{0, 256, 257, 255},
                                              {0, 257, 256, 512},
                                              {1, 255, 513, 0},
                                              {3, 0, 1100, 2},
                                              {256, 300, 300, 300},
                                              {0, 0, 0, 1000},
                                              {5, 100, 412, 512},
                                              {1000, 1, 0, 1}})
    for (const int64_t dim : {1, 4, 6}) {
      const Tensor index = index_with(times);
      const Tensor g = small_integers({index.shape()[0], dim}, 7);
      EmulatedDevice device;
      const std::vector<Tensor> inputs = {g, index};
      const Tensor got = call(ops::kScatterAddRows, kThreeRows, inputs, {.device = &device})[0];
      EXPECT_TRUE(same_bits(got, call(ops::kScatterAddRows, kThreeRows, inputs)[0]))
          << times[0] << ' ' << times[1] << ' ' << times[2] << ' ' << times[3] << " dim " << dim;
    }
}

TEST(HotRows, AreAsPreciseAsOnTheCpu) {
  constexpr int32_t kSources = 40000;
  const Tensor index = index_with({0, 0, kSources, 0});
  const Tensor g(DType::kFloat32, {kSources, 1});
  std::ranges::fill(g.elements<float>(), 0.1f);
  EmulatedDevice device;
  const auto fits = [](float sum) {
    return close(static_cast<double>(sum), kSources * static_cast<double>(0.1f), {.relative = 1e-5});
  };
  EXPECT_TRUE(fits(call(ops::kScatterAddRows, kThreeRows, {g, index})[0].elements<float>()[1]));
  EXPECT_TRUE(fits(call(ops::kScatterAddRows, kThreeRows, {g, index}, {.device = &device})[0].elements<float>()[1]));
  EXPECT_FALSE(fits(std::accumulate(g.elements<float>().begin(), g.elements<float>().end(), 0.0f)));
}

// Behaviours that nearly all samples share, and their gradients.
TEST(HotRows, PoolingGivesThemTheGradientsOfAllReaders) {
  constexpr int64_t kSamples = 60, kLength = 9, kCols = 4;
  const Tensor x = random_tensor<float>({3, kCols}, 1);
  const Tensor pooled = random_tensor<float>({kSamples, 2 * kCols}, 2, 0.5, 1),
               dy = random_tensor<float>(pooled.shape(), 3);
  Tensor offsets(DType::kInt32, {kSamples + 1});
  for (size_t i = 0; i <= kSamples; ++i) offsets.elements<int32_t>()[i] = static_cast<int32_t>(i * kLength);
  const std::vector<Tensor> inputs = {x, offsets, pooled, dy, index_with({0, 20, 500, 20})};
  EmulatedDevice device;
  const Attributes pooling = Attributes::of(ops::DapAttributes{.kind = ops::DapKind::kMeanStd});
  const Tensor got = call(ops::kDapBackward, pooling, inputs, {.device = &device})[0];
  EXPECT_TRUE(all_close(got, call(ops::kDapBackward, pooling, inputs)[0], {.relative = 1e-5, .absolute = 1e-5}));
}

}  // namespace
}  // namespace polyscene::testing
