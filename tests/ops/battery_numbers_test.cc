// Same numbers: in float and double up to the table's tolerance; bit by bit when run again, with other thread counts,
// and with and without memory planning.
#include <algorithm>
#include <cmath>

#include "ops/base/thread.h"
#include "tests/ops/battery.h"
#include "tests/ops/tolerances.h"

namespace polyscene::testing {
namespace {

double largest_magnitude(const Tensor& t) {
  return dispatch_floating(t.dtype(), [&]<class T>() {
    double largest = 1;
    for (T x : t.elements<T>()) largest = std::max(largest, std::abs(static_cast<double>(x)));
    return largest;
  });
}

std::vector<Tensor> run_on_threads(const SampleGraph& g, int threads) {
  const int before = thread_count();
  set_thread_count(threads);
  std::vector<Tensor> results = g.run();
  set_thread_count(before);
  return results;
}

void expect_same_bits(const std::vector<Tensor>& got, const std::vector<Tensor>& want, const char* what) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(same_bits(got[i], want[i])) << what << ", result " << i;
}

class NumbersBattery : public Battery {};

TEST_P(NumbersBattery, FloatIsCloseToDouble) {
  const std::vector<Tensor> narrow = SampleGraph(GetParam(), DType::kFloat32).run();
  const std::vector<Tensor> wide = SampleGraph(GetParam(), DType::kFloat64).run();
  const Tolerance tolerance = tolerance_of(GetParam().op->name).precision;
  ASSERT_EQ(narrow.size(), wide.size());
  for (size_t i = 0; i < narrow.size(); ++i) {
    if (!is_floating(narrow[i].dtype())) {
      EXPECT_TRUE(same_bits(narrow[i], wide[i])) << "result " << i;
      continue;
    }
    const double unit = largest_magnitude(wide[i]);
    EXPECT_TRUE(all_close(narrow[i], wide[i], {tolerance.relative, tolerance.absolute * unit})) << "result " << i;
  }
}

TEST_P(NumbersBattery, BitsDependOnNothingButTheInputs) {
  for (const DType floating : {DType::kFloat32, DType::kFloat64}) {
    const SampleGraph g(GetParam(), floating);
    const std::vector<Tensor> first = run_on_threads(g, 1);
    expect_same_bits(run_on_threads(g, 1), first, "run again");
    expect_same_bits(run_on_threads(g, 3), first, "on 3 threads");
    expect_same_bits(g.run({.plan_memory = false}), first, "without memory planning");
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, NumbersBattery, ::testing::ValuesIn(all_cases()), case_name);

}  // namespace
}  // namespace polyscene::testing
