#include "core/export/onnx/forms.h"

#include "ops/dense/activation.h"
#include "ops/dense/gate.h"
#include "ops/dense/linear.h"
#include "ops/dense/matmul.h"
#include "ops/dense/repeat_cols.h"
#include "ops/dense/reshape.h"
#include "ops/dense/scale.h"
#include "ops/dense/slice_cols.h"
#include "ops/jagged/dap.h"
#include "ops/jagged/expand_rows.h"
#include "ops/jagged/segment_sum.h"

namespace polyscene::core {
namespace {

using Names = std::vector<std::string>;

int64_t cols_of(const Value& v) { return v.shape().back().constant; }

std::string activated(OnnxBuilder& b, const std::string& x, ops::Activation activation) {
  switch (activation) {
    case ops::Activation::kNone:
      return x;
    case ops::Activation::kRelu:
      return b.add("Relu", {x});
    case ops::Activation::kSigmoid:
      return b.add("Sigmoid", {x});
    case ops::Activation::kTanh:
      return b.add("Tanh", {x});
  }
  return x;
}

OnnxForm binary(const char* op) {
  return [op](OnnxBuilder& b, const Node&, const Names& in) { return Names{b.add(op, in)}; };
}

Names identity(OnnxBuilder&, const Node&, const Names& in) { return {in[0]}; }

Names linear(OnnxBuilder& b, const Node& node, const Names& in) {
  const bool has_bias = node.inputs.back().shape().rank() == 1;
  const size_t parts = in.size() - (has_bias ? 2 : 1);
  Names gemm = {b.concat({in.begin(), in.begin() + parts}, 1), in[parts]};
  if (has_bias) gemm.push_back(in.back());
  return {activated(b, b.add("Gemm", gemm), node.attributes.as<ops::LinearAttributes>().activation)};
}

Names matmul(OnnxBuilder& b, const Node& node, const Names& in) {
  const auto& a = node.attributes.as<ops::MatmulAttributes>();
  return {b.add("Gemm", in, {{"transA", a.transpose_a ? 1 : 0}, {"transB", a.transpose_b ? 1 : 0}})};
}

// A row of zeros is appended: index -1, counted from the end in ONNX, reads it.
Names gather_rows(OnnxBuilder& b, const Node& node, const Names& in) {
  const int64_t dim = cols_of(node.inputs[0]);
  const std::string all = b.concat({in[0], b.filled(b.ints({1, dim}), 0)}, 0);
  const std::string rows = b.add("Gather", {all, in[1]}, {{"axis", 0}});
  if (node.inputs[1].shape().rank() == 1) return {rows};
  return {b.add("Reshape", {rows, b.ints({0, cols_of(node.outputs[0])})})};
}

Names concat(OnnxBuilder& b, const Node&, const Names& in) { return {b.concat(in, -1)}; }

Names slice_cols(OnnxBuilder& b, const Node& node, const Names& in) {
  const auto& a = node.attributes.as<ops::SliceColsAttributes>();
  return {b.slice(in[0], a.begin, a.end, node.inputs[0].shape().rank() - 1)};
}

Names reshape(OnnxBuilder& b, const Node& node, const Names& in) {
  OnnxBuilder::Ints extents;
  for (const Dim& d : node.attributes.as<ops::ReshapeAttributes>().shape.dims())
    extents.push_back(d.is_static() ? d.constant : -1);
  return {b.add("Reshape", {in[0], b.ints(extents)})};
}

Names scale(OnnxBuilder& b, const Node& node, const Names& in) {
  const auto& a = node.attributes.as<ops::ScaleAttributes>();
  const std::string y = b.add("Mul", {in[0], b.number(static_cast<float>(a.factor))});
  return {a.offset == 0 ? y : b.add("Add", {y, b.number(static_cast<float>(a.offset))})};
}

Names row_sum(OnnxBuilder& b, const Node&, const Names& in) { return {b.add("ReduceSum", {in[0], b.ints({1})})}; }

std::string repeated(OnnxBuilder& b, const std::string& x, int64_t cols, int64_t times) {
  if (times == 1) return x;
  const std::string copies = b.add("Tile", {b.add("Unsqueeze", {x, b.ints({2})}), b.ints({1, 1, times})});
  return b.add("Reshape", {copies, b.ints({0, cols * times})});
}

Names repeat_cols(OnnxBuilder& b, const Node& node, const Names& in) {
  return {repeated(b, in[0], cols_of(node.inputs[0]), node.attributes.as<ops::RepeatColsAttributes>().times)};
}

Names gate(OnnxBuilder& b, const Node& node, const Names& in) {
  const auto& a = node.attributes.as<ops::GateAttributes>();
  const std::string p = b.add("Mul", {b.add("Sigmoid", {in.back()}), b.number(static_cast<float>(a.gamma))});
  const std::string factors = repeated(b, p, cols_of(node.inputs.back()), a.group);
  Names out;
  int64_t begin = 0;
  for (size_t k = 0; k + 1 < in.size(); ++k) {
    const int64_t cols = cols_of(node.inputs[k]);
    out.push_back(b.add("Mul", {in[k], b.slice(factors, begin, begin + cols, 1)}));
    begin += cols;
  }
  return out;
}

// Lengths of segments, at least 1.
std::string divisors(OnnxBuilder& b, const OnnxBuilder::Segments& s) { return b.add("Max", {s.length, b.number(1)}); }

Names segment_sum(OnnxBuilder& b, const Node& node, const Names& in) {
  const OnnxBuilder::Segments& s = b.segments(in[1]);
  const std::string sum = b.segment_sum(in[0], s, cols_of(node.inputs[0]));
  return {node.attributes.as<ops::SegmentSumAttributes>().mean ? b.add("Div", {sum, divisors(b, s)}) : sum};
}

Names expand_rows(OnnxBuilder& b, const Node& node, const Names& in) {
  const OnnxBuilder::Segments& s = b.segments(in[1]);
  const bool mean = node.attributes.as<ops::ExpandRowsAttributes>().mean;
  return {b.add("Gather", {mean ? b.add("Div", {in[0], divisors(b, s)}) : in[0], s.owner}, {{"axis", 0}})};
}

std::string pooled(OnnxBuilder& b, const std::string& rows, const std::string& offsets, int64_t cols,
                   const ops::DapAttributes& a) {
  const OnnxBuilder::Segments& s = b.segments(offsets);
  const std::string divisor = divisors(b, s);
  const std::string mean = b.add("Div", {b.segment_sum(rows, s, cols), divisor});
  if (a.kind == ops::DapKind::kMean) return mean;
  const std::string apart = b.add("Sub", {rows, b.add("Gather", {mean, s.owner}, {{"axis", 0}})});
  const std::string variance = b.add("Div", {b.segment_sum(b.add("Mul", {apart, apart}), s, cols), divisor});
  const std::string second = a.kind == ops::DapKind::kMeanVariance
                                 ? variance
                                 : b.add("Sqrt", {b.add("Add", {variance, b.number(static_cast<float>(a.eps))})});
  return b.concat({mean, second}, 1);
}

Names dap(OnnxBuilder& b, const Node& node, const Names& in) {
  const std::string rows = in.size() == 3 ? b.add("Gather", {in[0], in[2]}, {{"axis", 0}}) : in[0];
  return {pooled(b, rows, in[1], cols_of(node.inputs[0]), node.attributes.as<ops::DapAttributes>())};
}

// rows + relu(projected + the sample's row_bias) wo + co, and the pooled rows of that.
Names tailored(OnnxBuilder& b, const Node& node, const std::string& rows, const std::string& projected,
               const std::string& offsets, const std::string& row_bias, const std::string& wo, const std::string& co) {
  const std::string bias = b.add("Gather", {row_bias, b.segments(offsets).owner}, {{"axis", 0}});
  const std::string u = b.add("Relu", {b.add("Add", {projected, bias})});
  const std::string y = b.add("Add", {rows, b.add("Gemm", {u, wo, co})});
  return {y, pooled(b, y, offsets, cols_of(node.outputs[0]), node.attributes.as<ops::DapAttributes>()), u};
}

Names rtm(OnnxBuilder& b, const Node& node, const Names& in) {
  return tailored(b, node, in[0], b.add("MatMul", {in[0], in[3]}), in[1], in[2], in[4], in[5]);
}

Names rtm_distinct(OnnxBuilder& b, const Node& node, const Names& in) {
  const std::string rows = b.add("Gather", {in[0], in[2]}, {{"axis", 0}});
  const std::string projected = b.add("Gather", {in[1], in[2]}, {{"axis", 0}});
  Names out = tailored(b, node, rows, projected, in[3], in[4], in[5], in[6]);
  out.pop_back();  // rtm_distinct has no output u
  return out;
}

}  // namespace

const std::map<std::string_view, OnnxForm>& onnx_forms() {
  static const std::map<std::string_view, OnnxForm> forms = {
      {"add", binary("Add")},
      {"add_bias", binary("Add")},
      {"concat", concat},
      {"dap", dap},
      {"expand_rows", expand_rows},
      {"gate", gate},
      {"gather_rows", gather_rows},
      {"linear", linear},
      {"matmul", matmul},
      {"mul", binary("Mul")},
      {"repeat_cols", repeat_cols},
      {"reshape", reshape},
      {"row_sum", row_sum},
      {"rtm", rtm},
      {"rtm_distinct", rtm_distinct},
      {"scale", scale},
      {"scale_rows", binary("Mul")},
      {"segment_sum", segment_sum},
      {"slice_cols", slice_cols},
      {"stop_gradient", identity},
      {"sub", binary("Sub")},
  };
  return forms;
}

}  // namespace polyscene::core
