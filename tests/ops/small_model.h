// A graph with everything that training needs, small enough for an emulated device.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ops/autodiff.h"
#include "ops/dense/linear.h"
#include "ops/jagged/dap.h"
#include "ops/loss/bce_with_logits.h"
#include "tests/support/evaluate.h"
#include "tests/support/random.h"

namespace polyscene::testing {

// Pooled rows, two layers, a loss, and the gradients of all parameters and rows.
struct SmallModel {
  explicit SmallModel(int64_t rows_of_first = 5) {
    const auto first = static_cast<int32_t>(rows_of_first);
    const Dim batch = graph.symbol("batch"), rows = graph.symbol("rows");
    const Value x = input("x", random_tensor<float>({rows_of_first + 7, 3}, 1), {rows, 3});
    const Value offsets =
        input("offsets", Tensor::of<int32_t>({5}, {0, first, first, first + 1, first + 7}), {batch + 1});
    const Value label = input("label", Tensor::of<float>({4, 1}, {1, 0, 0, 1}), {batch, 1});
    const Value weight = input("weight", Tensor::of<float>({1}, {0.25f}), {1});
    const Value w1 = parameter("w1", {6, 5}, 2), b1 = parameter("b1", {5}, 3), w2 = parameter("w2", {5, 1}, 4);
    const Value hidden = ops::linear(ops::dap(x, offsets), w1, b1, ops::Activation::kTanh);
    const Value loss = ops::bce_with_logits(ops::linear(hidden, w2), label, weight);
    wanted = gradients(loss, std::vector{x, w1, b1, w2});
    wanted.push_back(loss);
  }
  Value input(std::string name, Tensor data, SymbolicShape shape) {
    const Value v = graph.input(std::move(name), data.dtype(), shape);
    feed.emplace_back(v, std::move(data));
    return v;
  }
  Value parameter(std::string name, SymbolicShape shape, uint64_t seed) {
    const Value v = graph.parameter(std::move(name), shape, Init::kZeros);
    feed.emplace_back(v, random_tensor<float>(shape.resolve({}), seed));
    return v;
  }
  Graph graph;
  Feed feed;
  std::vector<Value> wanted;
};

}  // namespace polyscene::testing
