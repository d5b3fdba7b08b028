// Times the operators of SFPNet at its training sizes, each alone and together as one dense step (forward and backward)
// of two blocks and the head. Times are compared with the single-precision peak (oneDNN's sgemm on a large square) and
// the copy bandwidth of the same threads. All are measured in turn in one run, so that a busy machine slows them alike.
#include <dnnl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <functional>
#include <iomanip>
#include <iostream>

#include "ops/autodiff.h"
#include "ops/base/philox.h"
#include "ops/base/thread.h"
#include "ops/dense/activation_backward.h"
#include "ops/dense/add.h"
#include "ops/dense/gate.h"
#include "ops/dense/linear.h"
#include "ops/dense/linear_gradient.h"
#include "ops/dense/matmul.h"
#include "ops/dense/stop_gradient.h"
#include "ops/graph/executor.h"
#include "ops/jagged/dap.h"
#include "ops/jagged/gather_rows.h"
#include "ops/jagged/rtm.h"
#include "ops/jagged/rtm_distinct.h"
#include "ops/loss/bce_with_logits.h"

namespace polyscene {
namespace {

using ops::Activation;

struct Options {
  int64_t batch = 4096, length = 39, distinct = 15000, width = 64, hidden = 128;
  int64_t context = 512, scenario = 16, gate_hidden = 128, context_hidden = 64;
  int threads = available_processors(), rounds = 15;
  bool bf16 = false, cpu_clock = false;
  std::string only;
};

ProductPrecision precision_of(const Options& o) {
  return o.bf16 ? ProductPrecision::kBfloat16 : ProductPrecision::kFloat32;
}

double now_s(const Options& o) {
  timespec t{};
  clock_gettime(o.cpu_clock ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

Tensor random_floats(Shape shape, uint64_t seed, double scale = 0.1) {
  Tensor t(DType::kFloat32, shape);
  PhiloxStream random(seed);
  for (float& x : t.elements<float>()) x = static_cast<float>(scale * random.next_normal());
  return t;
}

// Offsets of rows with random lengths from 0 to twice the mean.
Tensor random_offsets(int64_t batch, int64_t mean) {
  Tensor t(DType::kInt32, {batch + 1});
  PhiloxStream random(3);
  const auto offsets = t.elements<int32_t>();
  for (size_t i = 0; i + 1 < offsets.size(); ++i)
    offsets[i + 1] = offsets[i] + static_cast<int32_t>(random.next_below(static_cast<uint64_t>(2 * mean + 1)));
  return t;
}

// Row indices with a long-tailed popularity.
Tensor random_rows(int64_t count, int64_t bound) {
  Tensor t(DType::kInt32, {count});
  PhiloxStream random(5);
  for (int32_t& i : t.elements<int32_t>())
    i = static_cast<int32_t>(static_cast<double>(bound) * std::pow(random.next_uniform(), 3));
  return t;
}

// One case to time. `flops` counts the arithmetic in the equations, `bytes` what must be read and written once.
struct Case {
  std::string name;
  double flops = 0, bytes = 0;
  std::function<void()> run;
  std::vector<double> seconds = {};

  [[nodiscard]] double best() const { return *std::ranges::min_element(seconds); }
  [[nodiscard]] double median() const {
    std::vector<double> sorted = seconds;
    std::ranges::nth_element(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2));
    return sorted[sorted.size() / 2];
  }
};

Case sgemm_case() {
  constexpr int64_t kSize = 1536;
  const Tensor a = random_floats({kSize, kSize}, 1), b = random_floats({kSize, kSize}, 2), c = a.clone();
  return {"sgemm, large square", 2.0 * kSize * kSize * kSize, 0, [=] {
            dnnl_sgemm('N', 'N', kSize, kSize, kSize, 1, a.view().as<float>(), kSize, b.view().as<float>(), kSize, 0,
                       c.view().as<float>(), kSize);
          }};
}

Case copy_case() {
  constexpr int64_t kFloats = 1 << 25;
  const Tensor from(DType::kFloat32, {kFloats}), to(DType::kFloat32, {kFloats});
  return {"copy", 0, 8.0 * kFloats, [=] {
            parallel_for(kFloats, 1 << 18, [&](int64_t begin, int64_t end) {
              std::memcpy(to.view().as<float>() + begin, from.view().as<float>() + begin,
                          static_cast<size_t>(end - begin) * sizeof(float));
            });
          }};
}

// A case of an operator on the given inputs; its output types are inferred.
Case op_case(const Options& o, std::string name, double flops, const OpDefinition& op, Attributes attributes,
             std::vector<Tensor> inputs) {
  std::vector<ValueType> types;
  double bytes = 0;
  for (const Tensor& t : inputs) types.push_back({t.dtype(), SymbolicShape(t.shape())});
  std::vector<TensorView> in, out;
  std::vector<Tensor> owned = inputs;
  for (const Tensor& t : inputs) in.push_back(t.view());
  for (const ValueType& t : op.infer({op.name, attributes, types})) {
    owned.emplace_back(t.dtype, t.shape.resolve({}));
    out.push_back(owned.back().view());
  }
  for (const Tensor& t : owned) bytes += static_cast<double>(t.view().bytes());
  const auto scratch = std::make_shared<Scratch>();
  const auto precision = precision_of(o);
  return {std::move(name), flops, bytes, [=, run = op.cpu] {
            (void)owned;
            scratch->reset();
            run({attributes, in, out, *scratch, precision});
          }};
}

// The forward product and both gradient products of a layer [rows, inner] -> [rows, cols].
void add_layer(std::vector<Case>& cases, const Options& o, int64_t rows, int64_t inner, int64_t cols, Activation act) {
  const double flops = 2.0 * static_cast<double>(rows * inner * cols);
  const Tensor x = random_floats({rows, inner}, 1), w = random_floats({inner, cols}, 2),
               dz = random_floats({rows, cols}, 3);
  const std::string size = str(" ", rows, "x", inner, "x", cols);
  cases.push_back(op_case(o, "linear" + size, flops, ops::kLinear, Attributes::of(ops::LinearAttributes{act}),
                          {x, w, random_floats({cols}, 4)}));
  cases.push_back(op_case(o, "linear dx" + size, flops, ops::kLinearInputGradient,
                          Attributes::of(ops::LinearInputGradientAttributes{0, inner}), {dz, w}));
  cases.push_back(
      op_case(o, "linear dw" + size, flops, ops::kLinearWeightGradient, Attributes::of(NoAttributes{}), {x, dz}));
}

void add_dense(std::vector<Case>& cases, const Options& o) {
  const int64_t base = 2 * o.width + o.context;
  add_layer(cases, o, o.batch, o.scenario + base, o.gate_hidden, Activation::kRelu);
  add_layer(cases, o, o.batch, o.gate_hidden, base, Activation::kNone);
  add_layer(cases, o, o.batch, base + o.scenario, o.context_hidden, Activation::kRelu);
  add_layer(cases, o, o.batch, 256, 128, Activation::kRelu);
  add_layer(cases, o, o.batch, 64, 1, Activation::kNone);
  add_layer(cases, o, o.distinct, o.width, o.hidden, Activation::kNone);
  const Tensor x = random_floats({o.batch, base}, 1), p = random_floats({o.batch, base}, 2);
  const Attributes gate = Attributes::of(ops::GateAttributes{});
  cases.push_back(op_case(o, "gate", 0, ops::kGate, gate, {x, p}));
  cases.push_back(op_case(o, "gate_backward", 0, ops::kGateBackward, gate, {x, p, random_floats(x.shape(), 3)}));
  const Attributes relu = Attributes::of(ops::ActivationBackwardAttributes{Activation::kRelu});
  cases.push_back(op_case(o, "activation_backward relu", 0, ops::kActivationBackward, relu, {x, p}));
}

void add_jagged(std::vector<Case>& cases, const Options& o) {
  const Tensor offsets = random_offsets(o.batch, o.length);
  const int64_t rows = offsets.elements<int32_t>().back();
  const double product = 2.0 * static_cast<double>(rows * o.width * o.hidden);
  const Attributes dap = Attributes::of(ops::DapAttributes{});
  const Tensor b = random_floats({rows, o.width}, 1), g = random_floats({rows, o.width}, 2);
  const Tensor u = random_floats({rows, o.hidden}, 3), row_bias = random_floats({o.batch, o.hidden}, 4);
  const Tensor wb = random_floats({o.width, o.hidden}, 5), wo = random_floats({o.hidden, o.width}, 6);
  const Tensor co = random_floats({o.width}, 7), pooled = random_floats({o.batch, 2 * o.width}, 8);
  const Tensor distinct = random_floats({o.distinct, o.width}, 9), index = random_rows(rows, o.distinct);
  const Tensor projected = random_floats({o.distinct, o.hidden}, 10);
  cases.push_back(op_case(o, "dap", 0, ops::kDap, dap, {b, offsets}));
  cases.push_back(op_case(o, "dap_backward", 0, ops::kDapBackward, dap, {b, offsets, pooled, pooled}));
  cases.push_back(op_case(o, "rtm", 2 * product, ops::kRtm, dap, {b, offsets, row_bias, wb, wo, co}));
  cases.push_back(
      op_case(o, "rtm_backward", 4 * product, ops::kRtmBackward, dap, {b, offsets, u, wb, wo, b, pooled, pooled, g}));
  cases.push_back(op_case(o, "rtm_distinct", product, ops::kRtmDistinct, dap,
                          {distinct, projected, index, offsets, row_bias, wo, co}));
  cases.push_back(op_case(o, "rtm_distinct_backward", 2 * product, ops::kRtmDistinctBackward, dap,
                          {projected, index, offsets, row_bias, wo, b, pooled, pooled, g}));
}

// The dense part of a training step, from gathered rows to the gradients of all parameters and rows.
class Step {
 public:
  explicit Step(const Options& o) : o_(o) {
    batch_ = graph_.symbol("batch");
    const Tensor offsets = random_offsets(o.batch, o.length);
    rows_ = offsets.elements<int32_t>().back();
    offsets_ = input("offsets", offsets, {batch_ + 1});
    index_ = input("index", random_rows(rows_, o.distinct), {graph_.symbol("behaviours")});
    distinct_ = input("distinct", random_floats({o.distinct, o.width}, 1), {graph_.symbol("distinct"), o.width});
    scenario_ = input("scenario", random_floats({o.batch, o.scenario}, 2), {batch_, o.scenario});
    const Value context = input("context", random_floats({o.batch, o.context}, 3), {batch_, o.context});
    const Value label = input("label", random_floats({o.batch, 1}, 4), {batch_, 1});
    const Value weight = input("weight", Tensor::of<float>({1}, {1.0f / static_cast<float>(o.batch)}), {1});
    std::vector<Value> wanted = {distinct_, scenario_, context};
    const Value loss = ops::bce_with_logits(network(context), label, weight);
    for (const Parameter& p : graph_.parameters()) wanted.push_back(p.value);
    std::vector<Value> outputs = gradients(loss, wanted);
    outputs.push_back(loss);
    executor_ =
        std::make_shared<Executor>(graph_, outputs, ExecutorOptions{.precision = precision_of(o), .profile = true});
    for (const auto& [value, tensor] : feed_) executor_->bind(value, tensor.view());
    for (const Parameter& p : graph_.parameters()) bind_parameter(p);
  }

  void run() {
    executor_->run();
    ++runs_;
  }
  [[nodiscard]] int64_t runs() const { return runs_; }
  [[nodiscard]] double flops() const { return flops_; }
  [[nodiscard]] const Executor& executor() const { return *executor_; }

 private:
  Value input(std::string name, Tensor data, SymbolicShape shape) {
    const Value v = graph_.input(std::move(name), data.dtype(), shape);
    feed_.emplace_back(v, std::move(data));
    return v;
  }
  void bind_parameter(const Parameter& p) {
    feed_.emplace_back(p.value, random_floats(p.value.shape().resolve({}), 100 + feed_.size()));
    executor_->bind(p.value, feed_.back().second.view());
  }
  // Adds a layer and counts its three products; only `wanted_inner` columns of the parts need a gradient.
  Value layer(const std::vector<Value>& parts, int64_t cols, Activation act, int64_t wanted_inner = -1) {
    const std::string name = str("layer", graph_.parameters().size());
    int64_t inner = 0;
    for (const Value& part : parts) inner += part.shape().back().constant;
    const int64_t products = 2 * inner + (wanted_inner < 0 ? inner : wanted_inner);
    flops_ += 2.0 * static_cast<double>(o_.batch * products * cols);
    const Value w = graph_.parameter(name + "/w", {inner, cols}, Init::kGlorotUniform);
    return ops::linear(parts, w, graph_.parameter(name + "/b", {cols}, Init::kZeros), act);
  }
  Value network(Value c) {
    ops::PooledRows b{{}, ops::dap_distinct(distinct_, index_, offsets_)};
    for (int block = 0; block < 2; ++block) {
      const Value v = b.pooled;
      const Value h = layer({scenario_, ops::stop_gradient(v), ops::stop_gradient(c)}, o_.gate_hidden,
                            Activation::kRelu, o_.scenario);
      const int64_t gates = v.shape().back().constant + c.shape().back().constant;
      const std::vector<Value> adapted = ops::gate({v, c}, layer({h}, gates, Activation::kNone));
      const Value context = layer({adapted[0], adapted[1], scenario_}, o_.context_hidden, Activation::kRelu);
      c = adapted[1];
      b = tailored(block, b.rows, layer({context}, o_.hidden, Activation::kNone));
    }
    std::vector<Value> x = {b.pooled, c, scenario_};
    for (int64_t cols : {256, 128, 64}) x = {layer(x, cols, Activation::kRelu)};
    return layer(x, 1, Activation::kNone);
  }
  ops::PooledRows tailored(int block, Value b, Value row_bias) {
    const std::string name = str("rtm", block);
    const Value wb = graph_.parameter(name + "/wb", {o_.width, o_.hidden}, Init::kGlorotUniform);
    const Value wo = graph_.parameter(name + "/wo", {o_.hidden, o_.width}, Init::kZeros);
    const Value co = graph_.parameter(name + "/co", {o_.width}, Init::kZeros);
    flops_ += 12.0 * static_cast<double>(rows_ * o_.width * o_.hidden);
    if (block > 0) return ops::rtm(b, offsets_, row_bias, wb, wo, co, {});
    return ops::rtm_distinct(distinct_, ops::matmul(distinct_, wb), index_, offsets_, row_bias, wo, co, {});
  }

  Options o_;
  Graph graph_;
  Dim batch_;
  int64_t rows_ = 0, runs_ = 0;
  double flops_ = 0;
  Value offsets_, index_, distinct_, scenario_;
  std::vector<std::pair<Value, Tensor>> feed_;
  std::shared_ptr<Executor> executor_;
};

void measure(const Options& o, std::vector<Case>& cases) {
  for (int round = -1; round < o.rounds; ++round)  // the first round warms up
    for (Case& c : cases) {
      const double start = now_s(o);
      c.run();
      if (round >= 0) c.seconds.push_back(now_s(o) - start);
    }
}

void print(const std::vector<Case>& cases) {
  const double peak = cases[0].flops / cases[0].best(), copy = cases[1].bytes / cases[1].best();
  std::cout << std::left << std::setw(40) << "case" << std::right << std::setw(10) << "best ms" << std::setw(10)
            << "median" << std::setw(11) << "GFLOP/s" << std::setw(9) << "of peak" << std::setw(9) << "GB/s"
            << std::setw(9) << "of copy" << '\n'
            << std::fixed;
  for (const Case& c : cases) {
    const double flops = c.flops / c.best(), bytes = c.bytes / c.best();
    std::cout << std::left << std::setw(40) << c.name << std::right << std::setprecision(3) << std::setw(10)
              << 1e3 * c.best() << std::setw(10) << 1e3 * c.median() << std::setprecision(1) << std::setw(11)
              << 1e-9 * flops << std::setw(8) << 100 * flops / peak << '%' << std::setw(9) << 1e-9 * bytes
              << std::setw(8) << 100 * bytes / copy << "%\n";
  }
}

void print_profile(const Step& step) {
  std::cout << "\nthe step by operator, wall ms per step:\n";
  for (const OpTime& t : step.executor().profile())
    std::cout << std::left << std::setw(28) << t.op << std::right << std::setprecision(3) << std::setw(10)
              << 1e3 * t.seconds / static_cast<double>(step.runs()) << '\n';
}

bool wanted(const Options& o, const Case& c) { return c.name.find(o.only) != std::string::npos; }

void run(const Options& o) {
  set_thread_count(o.threads);
  std::vector<Case> all, cases = {sgemm_case(), copy_case()};
  add_dense(all, o);
  add_jagged(all, o);
  std::ranges::copy_if(all, std::back_inserter(cases), [&](const Case& c) { return wanted(o, c); });
  Step step(o);
  const Case whole = {"step", step.flops(), 0, [&] { step.run(); }};
  if (wanted(o, whole)) cases.push_back(whole);
  measure(o, cases);
  std::cout << o.threads << " threads, batch " << o.batch << ", mean length " << o.length << (o.bf16 ? ", bf16" : "")
            << '\n';
  print(cases);
  if (wanted(o, whole)) print_profile(step);
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) {
  polyscene::Options o;
  CLI::App app{"Times the operators of SFPNet against the machine's arithmetic peak and copy bandwidth"};
  app.add_option("--threads", o.threads, "threads of the one rank")->capture_default_str();
  app.add_option("--batch", o.batch, "samples")->capture_default_str();
  app.add_option("--length", o.length, "mean behaviours per sample")->capture_default_str();
  app.add_option("--distinct", o.distinct, "distinct behaviours of the batch")->capture_default_str();
  app.add_option("--width", o.width, "width of a behaviour")->capture_default_str();
  app.add_option("--hidden", o.hidden, "hidden width of residual tailoring")->capture_default_str();
  app.add_option("--context", o.context, "width of user, target and context fields together")->capture_default_str();
  app.add_option("--rounds", o.rounds, "measurements of each case, taken in turns")->capture_default_str();
  app.add_option("--only", o.only, "cases whose name contains this");
  app.add_flag("--bf16", o.bf16, "products on bfloat16");
  app.add_flag("--cpu-clock", o.cpu_clock,
               "CPU seconds of the process in place of wall seconds: with --threads 1, "
               "figures that other processes disturb less");
  CLI11_PARSE(app, argc, argv);
  polyscene::run(o);
}
