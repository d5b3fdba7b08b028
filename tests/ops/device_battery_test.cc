// Compares every device kernel with the operator's CPU kernel on the operator's own samples. The emulator runs the
// kernel under several schedules, or a real device runs it. --gtest_random_seed=N, N > 0, uses other numbers of the
// same shapes.
#include "tests/ops/device_battery.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "ops/operators.h"
#include "tests/ops/battery.h"
#include "tests/ops/small_model.h"
#include "tests/ops/tolerances.h"
#include "tests/support/random.h"

namespace polyscene::testing {
namespace {

// Copies tensors to the device for the duration of one call.
class OnDevice {
 public:
  explicit OnDevice(Device& device) : device_(device) {}
  TensorView copy(const TensorView& host) {
    memory_.push_back(device_.allocate(host.bytes(), "a test"));
    device_.copy_in(memory_.back().get(), host.data, host.bytes());
    return {memory_.back().get(), host.dtype, host.shape};
  }

 private:
  Device& device_;
  std::vector<std::shared_ptr<void>> memory_;
};

// A tensor filled with NaN, or with an invalid index, so that elements which a kernel does not write are detected.
Tensor poisoned(const ValueType& type) {
  Tensor t(type.dtype, type.shape.resolve({}));
  std::memset(t.view().data, 0xFF, static_cast<size_t>(t.view().bytes()));
  return t;
}

// Scales the inputs that get a gradient by 1/2 to 1, so that signs, zeros and probabilities stay valid.
void vary_inputs(SampleGraph& g, uint64_t seed) {
  if (seed == 0) return;
  for (size_t i = 0; i < g.input_data.size(); ++i) {
    if (!g.needed[i]) continue;
    const Tensor random = random_tensor<float>(g.input_data[i].shape(), 1000 * seed + i);
    for (size_t j = 0; float& x : g.input_data[i].elements<float>()) x *= 0.75f + 0.25f * random.elements<float>()[j++];
  }
}

std::vector<Tensor> run_on_device(const SampleGraph& g, const Case& test_case) {
  Device& device = battery_device();
  OnDevice tensors(device);
  std::vector<TensorView> inputs, outputs;
  std::vector<Tensor> results;
  for (const Tensor& t : g.input_data) inputs.push_back(tensors.copy(t.view()));
  for (const Value& v : g.outputs) outputs.push_back(tensors.copy(results.emplace_back(poisoned(v.type())).view()));
  Scratch scratch(&device);
  test_case.op->gpu(
      {test_case.sample.attributes, inputs, outputs, scratch, ProductPrecision::kFloat32, device.stream()});
  for (size_t i = 0; i < results.size(); ++i)
    device.copy_out(results[i].view().data, outputs[i].data, results[i].view().bytes());
  return results;
}

class DeviceBattery : public Battery {};

TEST_P(DeviceBattery, MatchesTheCpuUnderEverySchedule) {
  const auto& [op, sample] = GetParam();
  SampleGraph g(GetParam(), DType::kFloat32);
  const auto variation = static_cast<uint64_t>(::testing::GTEST_FLAG(random_seed));
  vary_inputs(g, variation);
  const std::vector<Tensor> want = evaluate(g.graph, g.outputs, g.feed(), {});
  // The tolerances are for the original samples. Varied numbers may cancel more in a sum of a thousand.
  const double allowance = variation == 0 ? 1 : 4;
  const Tolerance tolerance{.relative = allowance * tolerance_of(op->name).precision.relative,
                            .absolute = allowance * tolerance_of(op->name).precision.absolute};
  std::vector<Tensor> first;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    choose_schedule(seed);
    const std::vector<Tensor> got = run_on_device(g, GetParam());
    for (size_t i = 0; i < want.size(); ++i) {
      double unit = 1;
      for (const float x : want[i].elements<float>()) unit = std::max(unit, std::abs(static_cast<double>(x)));
      EXPECT_TRUE(all_close(got[i], want[i], {tolerance.relative, tolerance.absolute * unit})) << "output " << i;
      EXPECT_TRUE(first.empty() || same_bits(got[i], first[i])) << "output " << i << " under seed " << seed;
    }
    first = got;
  }
}

// Whether a case runs on a device. Devices compute in float32, so cases with double outputs (constants) do not.
bool on_device(const Case& c) {
  if (c.op->gpu == nullptr) return false;
  const SampleGraph g(c, DType::kFloat32);
  return std::ranges::all_of(g.outputs, [](const Value& v) { return v.dtype() == DType::kFloat32; });
}

std::vector<Case> device_cases() {
  std::vector<Case> cases;
  std::ranges::copy_if(all_cases(), std::back_inserter(cases), on_device);
  return cases;
}

// The arena grows from the first run to the second, and kernels that wait in the queue reuse memory.
TEST(DeviceGraph, HasTheNumbersOfTheCpuAtEverySize) {
  Device& device = battery_device();
  const SmallModel model;
  Executor executor(model.graph, model.wanted, {.device = &device});
  for (const int64_t rows : {5, 300, 2}) {
    const SmallModel sized(rows);
    OnDevice tensors(device);
    for (size_t i = 0; i < model.feed.size(); ++i)
      executor.bind(model.feed[i].first, tensors.copy(sized.feed[i].second.view()));
    executor.run();
    executor.run();
    const auto want = evaluate(sized.graph, sized.wanted, sized.feed);
    for (size_t i = 0; i < want.size(); ++i) {
      const TensorView result = executor.result(model.wanted[i]);
      const Tensor got(result.dtype, result.shape);
      device.copy_out(got.view().data, result.data, result.bytes());
      EXPECT_TRUE(all_close(got, want[i], {.relative = 1e-5, .absolute = 2e-6})) << rows << " rows, result " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, DeviceBattery, ::testing::ValuesIn(device_cases()), case_name);

}  // namespace
}  // namespace polyscene::testing
