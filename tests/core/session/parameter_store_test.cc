// Where dense parameters lie, what they start with, and how they come to the host and back.
#include "core/session/parameter_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/support/emulator/emulated_device.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

std::vector<float> floats(const TensorView& view) {
  const auto all = view.elements<const float>();
  return {all.begin(), all.end()};
}

class ParameterStoreTest : public ::testing::Test {
 protected:
  // A part of a cache line, more than one, a single value, a whole line.
  ParameterStoreTest() {
    graph_.parameter("w1", {3, 4}, Init::kGlorotUniform);
    graph_.parameter("w2", {2, 10}, Init::kGlorotUniform);
    graph_.parameter("bias", {1}, Init::kZeros);
    graph_.parameter("w3", {4, 4}, Init::kGlorotUniform);
  }

  Graph graph_;
  EmulatedDevice device_;
};

TEST_F(ParameterStoreTest, EachParameterStartsOnACacheLineOfOneBuffer) {
  const core::ParameterStore store(graph_, 1);
  std::vector<std::string> names;
  std::vector<int64_t> offsets;
  for (const core::ParameterStore::Entry& entry : store.entries()) {
    names.push_back(entry.name);
    offsets.push_back(entry.offset);
    EXPECT_EQ(entry.value.id, graph_.find(entry.name).id);
    EXPECT_EQ(entry.data.data, store.values().data() + entry.offset);
    EXPECT_EQ(entry.gradient.data, store.gradients().data() + entry.offset);
    EXPECT_EQ(entry.data.shape, entry.value.shape().resolve({}));
    EXPECT_EQ(entry.gradient.shape, entry.data.shape);
    EXPECT_EQ(entry.data.dtype, DType::kFloat32);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"w1", "w2", "bias", "w3"}));
  EXPECT_EQ(offsets, (std::vector<int64_t>{0, 16, 48, 64}));
  EXPECT_EQ(store.values().size(), 80u);
  EXPECT_EQ(store.gradients().size(), 80u);
  EXPECT_EQ(store.size(), 12 + 20 + 1 + 16) << "padding is no parameter";
}

TEST_F(ParameterStoreTest, PaddingAndGradientsStartAsZeros) {
  for (const core::MakeFlatBuffer& make :
       {core::MakeFlatBuffer(core::make_host_buffer), core::device_buffers(device_)}) {
    const core::ParameterStore store(graph_, 1, make);
    const std::vector<float> values = floats(store.host_values().view());
    EXPECT_EQ(std::vector(values.begin() + 12, values.begin() + 16), std::vector<float>(4, 0.0f));
    EXPECT_EQ(std::vector(values.begin() + 36, values.begin() + 64), std::vector<float>(28, 0.0f)) << "the bias too";
    EXPECT_EQ(floats(store.host_gradients().view()), std::vector<float>(80, 0.0f));
  }
}

TEST_F(ParameterStoreTest, GlorotValuesFillTheirRangeEvenly) {
  Graph graph;
  graph.parameter("wide", {100, 50}, Init::kGlorotUniform);
  const core::ParameterStore store(graph, 3);
  const std::vector<float> values = floats(store.entries()[0].data);
  const double bound = std::sqrt(6.0 / 150);
  const auto [least, most] = std::ranges::minmax_element(values);
  EXPECT_GT(*least, -bound);
  EXPECT_LT(*least, -0.99 * bound);
  EXPECT_LT(*most, bound);
  EXPECT_GT(*most, 0.99 * bound);
  EXPECT_NEAR(std::accumulate(values.begin(), values.end(), 0.0) / 5000, 0, 0.02 * bound);
  double squares = 0;
  for (const float x : values) squares += x * x;
  EXPECT_NEAR(squares / 5000, bound * bound / 3, 0.05 * bound * bound / 3);
}

TEST_F(ParameterStoreTest, InitialValuesFollowFromSeedAndNameAlone) {
  const core::ParameterStore store(graph_, 1);
  Graph other;
  other.parameter("first", {5, 5}, Init::kGlorotUniform);
  other.parameter("w3", {4, 4}, Init::kGlorotUniform);
  other.parameter("w1", {3, 4}, Init::kGlorotUniform);
  const core::ParameterStore there(other, 1), reseeded(graph_, 2);
  EXPECT_EQ(floats(there.entries()[1].data), floats(store.entries()[3].data));
  EXPECT_EQ(floats(there.entries()[2].data), floats(store.entries()[0].data));
  EXPECT_NE(floats(reseeded.entries()[0].data), floats(store.entries()[0].data));
  // Of the name too, though the shape is the same.
  Graph twins;
  twins.parameter("a", {4, 4}, Init::kGlorotUniform);
  twins.parameter("b", {4, 4}, Init::kGlorotUniform);
  const core::ParameterStore both(twins, 1);
  EXPECT_NE(floats(both.entries()[0].data), floats(both.entries()[1].data));
}

TEST_F(ParameterStoreTest, OnTheHostValuesAreTheBufferItself) {
  core::ParameterStore store(graph_, 1);
  const Tensor values = store.host_values(), gradients = store.host_gradients();
  EXPECT_EQ(values.view().data, store.values().data());
  EXPECT_EQ(gradients.view().data, store.gradients().data());
  core::ParameterStore::part(store.entries()[2], values).elements<float>()[0] = 7;
  store.set_values(values);
  EXPECT_EQ(store.values()[48], 7);
}

TEST_F(ParameterStoreTest, OfADeviceTheyAreACopyThatIsTakenBack) {
  const core::ParameterStore host(graph_, 1);
  core::ParameterStore store(graph_, 1, core::device_buffers(device_));
  Tensor values = store.host_values();
  EXPECT_NE(values.view().data, store.values().data());
  EXPECT_EQ(floats(values.view()), floats(host.host_values().view()));
  core::ParameterStore::part(store.entries()[2], values).elements<float>()[0] = 7;
  EXPECT_EQ(floats(store.host_values().view())[48], 0);
  store.set_values(values);
  EXPECT_EQ(floats(store.host_values().view())[48], 7);
  EXPECT_EQ(floats(store.host_values().view()), floats(values.view()));
}

TEST_F(ParameterStoreTest, APartIsTheEntrysPlaceInAnyBufferOfTheLayout) {
  const core::ParameterStore store(graph_, 1);
  const Tensor buffer(DType::kFloat32, {80});
  std::iota(buffer.elements<float>().begin(), buffer.elements<float>().end(), 0.0f);
  const TensorView part = core::ParameterStore::part(store.entries()[1], buffer);
  EXPECT_EQ(part.shape, Shape({2, 10}));
  std::vector<float> want(20);
  std::iota(want.begin(), want.end(), 16.0f);
  EXPECT_EQ(floats(part), want);
}

TEST_F(ParameterStoreTest, ValuesOfAnotherLengthAreRefused) {
  for (const core::MakeFlatBuffer& make :
       {core::MakeFlatBuffer(core::make_host_buffer), core::device_buffers(device_)}) {
    core::ParameterStore store(graph_, 1, make);
    const std::vector<float> before = floats(store.host_values().view());
    EXPECT_EQ(message_of([&] { store.set_values(Tensor(DType::kFloat32, {49})); }),
              "[train] wanted 80 parameters, padding included, got [49]");
    EXPECT_EQ(message_of([&] {
                store.set_values(Tensor(DType::kFloat32, {2, 41}));
              }),
              "[train] wanted 80 parameters, padding included, got [2, 41]");
    EXPECT_EQ(floats(store.host_values().view()), before);
  }
}

TEST_F(ParameterStoreTest, ADevicesMemoryIsCountedByWhatItHolds) {
  device_.limit_memory(400);
  EXPECT_EQ(message_of<DeviceError>([&] {
              const core::ParameterStore store(graph_, 1, core::device_buffers(device_));
            }).substr(0, 9),
            "[device] ")
      << "80 values fit, their gradients do not";
  device_.limit_memory(640);
  const core::ParameterStore store(graph_, 1, core::device_buffers(device_));
  EXPECT_EQ(device_.use().bytes(), 640);
}

TEST_F(ParameterStoreTest, AModelWithoutParametersHasNone) {
  const Graph empty;
  core::ParameterStore store(empty, 1);
  EXPECT_EQ(store.size(), 0);
  EXPECT_TRUE(store.entries().empty());
  EXPECT_TRUE(store.values().empty());
  store.set_values(store.host_values());
}

}  // namespace
}  // namespace polyscene::testing
