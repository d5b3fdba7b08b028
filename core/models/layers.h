// Layers that several models share.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/models/feature_builder.h"
#include "ops/dense/activation.h"

namespace polyscene::core {

// Number of columns of a value, or of all parts together.
[[nodiscard]] int width(Value x);
[[nodiscard]] int total_width(const std::vector<Value>& parts);

// act([parts ...] w + b) with new parameters name/w [columns of all parts, out] (Glorot) and name/b [out] (zeros).
[[nodiscard]] Value dense_layer(FeatureBuilder& f, const std::string& name, std::vector<Value> parts, int out,
                                ops::Activation act);

// An MLP on the concatenated parts: hidden ReLU layers name/0, name/1 ... of the given widths, then a linear layer of
// width `out`.
[[nodiscard]] Value mlp(FeatureBuilder& f, const std::string& name, std::vector<Value> parts,
                        std::span<const int> hidden, int out);

// model.head, the hidden widths of the read-out MLP; 256, 128, 64 if it is empty.
[[nodiscard]] std::vector<int> head_widths(const config::Model& model);

// The mean of each sequence's behaviours, concatenated; no value without sequences.
[[nodiscard]] Value mean_pooled_sequences(FeatureBuilder& f, int dim);

// Embeddings of the target's fields that a sequence's side fields name, concatenated: [batch, width]. Throws
// InvalidArgument when a side field names none.
[[nodiscard]] Value target_of(FeatureBuilder& f, int sequence, int dim);

// DIN's pooling: sum_i a(b_i, t) b_i, a = MLP([b_i; t; b_i - t; b_i * t]), no softmax (Zhou et al., KDD 2018). [batch,
// width]
[[nodiscard]] Value target_attention(FeatureBuilder& f, const std::string& name, Value behaviours, Value offsets,
                                     Dim count, Value target, std::span<const int> hidden);

}  // namespace polyscene::core
