#include <algorithm>

#include "core/models/layers.h"
#include "core/models/zoo.h"
#include "ops/dense/add_bias.h"
#include "ops/dense/gate.h"
#include "ops/dense/row_sum.h"
#include "ops/dense/stop_gradient.h"

namespace polyscene::core {
namespace {

// PEPNet's two-layer gate without its last sigmoid, which is part of ops::gate: ReLU([parts ...] A) B.
Value gate_logits(FeatureBuilder& f, const std::string& name, std::vector<Value> parts, int hidden, int out) {
  const Value h = dense_layer(f, name + "/a", std::move(parts), hidden, ops::Activation::kRelu);
  return dense_layer(f, name + "/b", {h}, out, ops::Activation::kNone);
}

// `first`, then the parts behind a stopped gradient.
std::vector<Value> with_stopped(Value first, const std::vector<Value>& parts) {
  std::vector<Value> all = present({first});
  for (const Value& part : parts) all.push_back(ops::stop_gradient(part));
  return all;
}

// Indices of the fields that the configuration names for PPNet.
std::vector<int> personal_fields(const FeatureSchema& schema, const config::Pepnet& pepnet) {
  std::vector<int> fields;
  for (const std::string& name : pepnet.personal()) {
    const auto found = std::ranges::find(schema.fields, name, &FieldFeature::name);
    fields.push_back(static_cast<int>(found - schema.fields.begin()));
  }
  return fields;
}

}  // namespace

Value build_lr(FeatureBuilder& f, const config::Model&) {
  const auto all = [](const auto&) { return true; };
  const Value x = concat_present({mean_pooled_sequences(f, 1), f.fields(all, 1), f.bags(all, 1), f.numbers(all, 1)});
  return ops::add_bias(ops::row_sum(x), f.graph().parameter("lr/b", {1}, Init::kZeros));
}

Value build_mlp(FeatureBuilder& f, const config::Model& model) {
  const Value pooled = mean_pooled_sequences(f, f.dim());
  return mlp(f, "head", present({pooled, f.context(f.dim()), f.scenario(f.dim())}), head_widths(model), 1);
}

Value build_din(FeatureBuilder& f, const config::Model& model) {
  std::vector<int> hidden(model.din().attention_hidden().begin(), model.din().attention_hidden().end());
  if (hidden.empty()) hidden = {64, 32};
  std::vector<Value> pooled;
  for (size_t s = 0; s < f.schema().sequences.size(); ++s) {
    const int sequence = static_cast<int>(s);
    const Behaviours b = f.sequence(sequence, f.dim());
    pooled.push_back(target_attention(f, "din/" + f.schema().sequences[s].name, b.values, b.offsets, b.count,
                                      target_of(f, sequence, f.dim()), hidden));
  }
  pooled.push_back(f.context(f.dim()));
  pooled.push_back(f.scenario(f.dim()));
  return mlp(f, "head", pooled, head_widths(model), 1);
}

Value build_pepnet(FeatureBuilder& f, const config::Model& model) {
  const int gate_hidden = model.pepnet().gate_hidden();
  const Value s = f.scenario(f.dim());
  const std::vector<Value> e = present({mean_pooled_sequences(f, f.dim()), f.context(f.dim()), s});
  const Value ep = gate_logits(f, "pepnet/epnet", with_stopped(s, e), gate_hidden, total_width(e));
  std::vector<Value> h = ops::gate(e, ep, {.gamma = 2, .group = 1});

  // Input of the gates that personalise the layers: embeddings of ids, and the gated embeddings behind a stopped
  // gradient.
  const std::vector<Value> prior = with_stopped(f.fields(personal_fields(f.schema(), model.pepnet()), f.dim()), h);
  const auto layer = [&](int number, int units, ops::Activation act) {
    const Value p = gate_logits(f, str("pepnet/ppnet/", number), prior, gate_hidden, total_width(h));
    return dense_layer(f, str("head/", number), ops::gate(h, p, {.gamma = 2, .group = 1}), units, act);
  };
  int number = 0;
  for (int units : head_widths(model)) h = {layer(number++, units, ops::Activation::kRelu)};
  return layer(number, 1, ops::Activation::kNone);
}

}  // namespace polyscene::core
