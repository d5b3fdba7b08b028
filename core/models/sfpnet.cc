// SFPNet: a stack of scenario-tailoring blocks. Equation numbers are those of this comment.
//   1. V = DAP(b)                          mean and deviation of the block's behaviours
//   2. X = [V; C]                          base vector
//   3. G = gamma sigmoid(h W2 + c2), h = ReLU([S; sg(X)] W1 + c1)
//   4. [Vhat; C'] = G * X                  scenario-adaptive module
//   5. c = ReLU([Vhat; C'; S] Wc + cc)     consolidated context
//   6. b' = b + ReLU(b Wb + c Wh + ch) Wo + co   residual-tailoring module
// In the first block, b Wb depends only on the ids of a behaviour, so it is computed once per distinct behaviour.
#include <algorithm>

#include "core/models/layers.h"
#include "core/models/zoo.h"
#include "ops/dense/add.h"
#include "ops/dense/gate.h"
#include "ops/dense/linear.h"
#include "ops/dense/matmul.h"
#include "ops/dense/mul.h"
#include "ops/dense/stop_gradient.h"
#include "ops/jagged/dap.h"
#include "ops/jagged/expand_rows.h"
#include "ops/jagged/rtm.h"
#include "ops/jagged/rtm_distinct.h"

namespace polyscene::core {
namespace {

using config::Sfpnet;
using ops::Activation;

class SfpnetBuilder {
 public:
  SfpnetBuilder(FeatureBuilder& f, const config::Model& model) : f_(f), model_(model), c_(model.sfpnet()) {
    s_ = f.scenario(f.dim());
    c0_ = f.context(f.dim());
    source_ = f.sequence(0, f.dim());
  }

  Value build() {
    ops::PooledRows b{source_.values, ops::dap_distinct(source_.distinct, source_.index, source_.offsets, pooling())};
    Value c = c0_;
    for (int block = 0; block < c_.blocks(); ++block) {
      const std::string name = str("sfpnet/stb", block);
      const std::vector<Value> adapted = adapt(name + "/sam", block, b.pooled, c_.carry_context() ? c : c0_);
      c = adapted[1];
      if (c_.use_rtm()) b = tailor(name, block, b.rows, context(name + "/context", adapted));
    }
    std::vector<Value> readout = {b.pooled, c, s_};
    if (c_.readout() == Sfpnet::READOUT_DAP_AND_TARGET_ATTENTION) {
      const std::vector<int> hidden = {64, 32};
      readout.push_back(target_attention(f_, "sfpnet/attention", b.rows, source_.offsets, source_.count,
                                         target_of(f_, 0, f_.dim()), hidden));
    }
    return mlp(f_, "head", readout, head_widths(model_), 1);
  }

 private:
  [[nodiscard]] ops::DapAttributes pooling() const {
    return {.kind = c_.dap() == Sfpnet::MEAN_STD        ? ops::DapKind::kMeanStd
                    : c_.dap() == Sfpnet::MEAN_VARIANCE ? ops::DapKind::kMeanVariance
                                                        : ops::DapKind::kMean};
  }

  // Equations 2 to 4; returns Vhat and C'.
  std::vector<Value> adapt(const std::string& name, int block, Value v, Value c) {
    if (!c_.use_sam()) return {v, c};
    const bool all = c_.gate_scope() == Sfpnet::V_AND_C;
    const std::vector<Value> gated = all ? std::vector{v, c} : std::vector{c};
    const int group = c_.gate_grain() == Sfpnet::FIELD ? f_.dim() : 1;
    const Value logits = gate_logits(name, block, {v, c}, total_width(gated) / group);
    std::vector<Value> xhat = ops::gate(gated, logits, {.gamma = gamma(), .group = group});
    return all ? xhat : std::vector{v, xhat[0]};
  }

  // One-layer gates are a plain sigmoid. The others pass everything through (G = 1) at step 0.
  [[nodiscard]] double gamma() const { return c_.gate_form() == Sfpnet::ONE_LAYER ? 1 : 2; }

  Value gate_logits(const std::string& name, int block, const std::vector<Value>& base, int gates) {
    if (c_.gate_form() == Sfpnet::SCENARIO_TABLE)
      return f_.private_field(scenario_field(), str("sfpnet/stb", block, "/gate"), gates, 0);
    std::vector<Value> in = {s_};
    for (const Value& x : base) {
      if (c_.gate_input() == Sfpnet::SCENARIO_AND_FEATURES_STOPPED) in.push_back(ops::stop_gradient(x));
      if (c_.gate_input() == Sfpnet::SCENARIO_AND_FEATURES) in.push_back(x);
    }
    const int hidden = c_.gate_form() == Sfpnet::ONE_LAYER ? gates : c_.gate_hidden();
    const Value w1 = f_.graph().parameter(name + "/w1", {total_width(in), hidden}, Init::kGlorotUniform);
    const Value c1 = f_.graph().parameter(name + "/c1", {hidden}, Init::kZeros);
    if (c_.gate_form() == Sfpnet::ONE_LAYER) return ops::linear(in, w1, c1, Activation::kNone);
    const Value w2 = f_.graph().parameter(name + "/w2", {hidden, gates}, Init::kZeros);
    const Value c2 = f_.graph().parameter(name + "/c2", {gates}, Init::kZeros);
    return ops::linear(ops::linear(in, w1, c1, Activation::kRelu), w2, c2);
  }

  [[nodiscard]] int scenario_field() const {
    const auto& fields = f_.schema().fields;
    return static_cast<int>(std::ranges::find(fields, config::Feature::SCENARIO, &FieldFeature::role) - fields.begin());
  }

  // Equation 5.
  Value context(const std::string& name, std::vector<Value> adapted) {
    adapted.push_back(s_);
    const Value w = f_.graph().parameter(name + "/w", {total_width(adapted), c_.context_width()}, Init::kGlorotUniform);
    const Value c = f_.graph().parameter(name + "/c", {c_.context_width()}, Init::kZeros);
    return ops::linear(adapted, w, c, Activation::kRelu);
  }

  // Equation 6 or one of its alternatives, followed by equation 1 of the next block.
  ops::PooledRows tailor(const std::string& stb, int block, Value b, Value context) {
    const std::string name = stb + "/rtm";
    Graph& g = f_.graph();
    const int width_b = source_.width, width_c = c_.context_width();
    if (c_.rtm_form() != Sfpnet::MLP_CONCAT) {
      const bool gated = c_.rtm_form() == Sfpnet::GATED;
      const Value a = g.parameter(name + "/a", {width_c, width_b}, Init::kZeros);
      const Value shift = ops::linear(context, a, {}, gated ? Activation::kTanh : Activation::kNone);
      const Value rows = ops::expand_rows(shift, source_.offsets, source_.count);
      const Value y = ops::add(b, gated ? ops::mul(rows, b) : rows);
      return {y, ops::dap(y, source_.offsets, pooling())};
    }
    const int hidden = c_.rtm_hidden() > 0 ? c_.rtm_hidden() : 2 * width_b;
    const Value wb = g.parameter(name + "/wb", {width_b, hidden}, Init::kGlorotUniform);
    const Value wh = g.parameter(name + "/wh", {width_c, hidden}, Init::kGlorotUniform);
    const Value ch = g.parameter(name + "/ch", {hidden}, Init::kZeros);
    const Value wo = g.parameter(name + "/wo", {hidden, width_b}, Init::kZeros);
    const Value co = g.parameter(name + "/co", {width_b}, Init::kZeros);
    const Value row_bias = ops::linear(context, wh, ch);
    if (block > 0) return ops::rtm(b, source_.offsets, row_bias, wb, wo, co, pooling());
    const Value projected = ops::matmul(source_.distinct, wb);
    return ops::rtm_distinct(source_.distinct, projected, source_.index, source_.offsets, row_bias, wo, co, pooling());
  }

  FeatureBuilder& f_;
  const config::Model& model_;
  const Sfpnet& c_;
  Value s_, c0_;
  Behaviours source_;
};

}  // namespace

Value build_sfpnet(FeatureBuilder& f, const config::Model& model) { return SfpnetBuilder(f, model).build(); }

}  // namespace polyscene::core
