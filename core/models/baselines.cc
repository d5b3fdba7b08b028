#include "core/models/layers.h"
#include "core/models/zoo.h"
#include "ops/dense/add_bias.h"
#include "ops/dense/gate.h"
#include "ops/dense/linear.h"
#include "ops/dense/row_sum.h"
#include "ops/dense/stop_gradient.h"

namespace polyscene {
namespace {

// act-free two-layer gate of PEPNet without its last sigmoid: ReLU(x A) B, the sigmoid is part of ops::gate.
Value gate_logits(FeatureBuilder& f, const std::string& name, Value x, int hidden, int out) {
  return dense_layer(f, name + "/b", dense_layer(f, name + "/a", x, hidden, ops::Activation::kRelu), out,
                     ops::Activation::kNone);
}

int width(Value x) { return static_cast<int>(x.shape().back().constant); }

}  // namespace

Value build_lr(FeatureBuilder& f, const config::Model&) {
  const auto all = [](const auto&) { return true; };
  const Value x =
      concat_present({mean_pooled_sequences(f, 1), f.fields(all, 1), f.bags(all, 1), f.numbers(all, 1)});
  return ops::add_bias(ops::row_sum(x), f.graph().parameter("lr/b", {1}, Init::kZeros));
}

Value build_mlp(FeatureBuilder& f, const config::Model& model) {
  const Value x = concat_present({mean_pooled_sequences(f, f.dim()), f.context(f.dim()), f.scenario(f.dim())});
  return mlp(f, "head", x, head_widths(model), 1);
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
  require(!pooled.empty(), "[models] DIN wants a sequence feature, the data has none; choose another model");
  pooled.push_back(f.context(f.dim()));
  pooled.push_back(f.scenario(f.dim()));
  return mlp(f, "head", concat_present(pooled), head_widths(model), 1);
}

Value build_pepnet(FeatureBuilder& f, const config::Model& model) {
  const int gate_hidden = model.pepnet().gate_hidden();
  const Value s = f.scenario(f.dim());
  const Value e = concat_present({mean_pooled_sequences(f, f.dim()), f.context(f.dim()), s});
  const Value ep = gate_logits(f, "pepnet/epnet", concat_present({s, ops::stop_gradient(e)}), gate_hidden, width(e));
  const Value o = ops::gate(e, ep, {.gamma = 2, .group = 1});

  // What personalises the layers: user and item embeddings, and the gated embeddings without their gradient.
  const auto personal = [](const FieldFeature& field) {
    return field.role == config::Feature::USER || field.role == config::Feature::ITEM;
  };
  const Value prior = concat_present({f.fields(personal, f.dim()), ops::stop_gradient(o)});
  Value h = o;
  int layer = 0;
  for (int units : head_widths(model)) {
    const Value p = gate_logits(f, str("pepnet/ppnet/", layer), prior, gate_hidden, width(h));
    h = dense_layer(f, str("head/", layer++), ops::gate(h, p, {.gamma = 2, .group = 1}), units, ops::Activation::kRelu);
  }
  const Value p = gate_logits(f, str("pepnet/ppnet/", layer), prior, gate_hidden, width(h));
  return dense_layer(f, str("head/", layer), ops::gate(h, p, {.gamma = 2, .group = 1}), 1, ops::Activation::kNone);
}

}  // namespace polyscene
