#include "core/export/onnx/builder.h"

namespace polyscene::core {

std::string OnnxBuilder::add(const std::string& op, std::vector<std::string> inputs,
                             std::vector<Attribute> attributes) {
  onnx::NodeProto& node = *graph_.add_node();
  node.set_op_type(op);
  for (std::string& input : inputs) node.add_input(std::move(input));
  for (Attribute& a : attributes) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(a.name);
    if (a.text.empty()) {
      attribute.set_type(onnx::AttributeProto::INT);
      attribute.set_i(a.integer);
    } else {
      attribute.set_type(onnx::AttributeProto::STRING);
      attribute.set_s(a.text);
    }
  }
  const std::string name = fresh(op);
  node.set_name(name);
  node.add_output(name);
  return name;
}

std::string OnnxBuilder::ints(const Ints& values) {
  std::string& name = ints_[values];
  if (!name.empty()) return name;
  name = fresh("ints");
  onnx::TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(std::ssize(values));
  for (const int64_t value : values) tensor.add_int64_data(value);
  return name;
}

std::string OnnxBuilder::number(float value) {
  std::string& name = numbers_[value];
  if (!name.empty()) return name;
  name = fresh("number");
  onnx::TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.add_float_data(value);
  return name;
}

std::string OnnxBuilder::filled(const std::string& shape, float value) {
  const std::string name = add("ConstantOfShape", {shape});
  onnx::AttributeProto& attribute = *graph_.mutable_node(graph_.node_size() - 1)->add_attribute();
  attribute.set_name("value");
  attribute.set_type(onnx::AttributeProto::TENSOR);
  attribute.mutable_t()->set_data_type(onnx::TensorProto::FLOAT);
  attribute.mutable_t()->add_dims(1);
  attribute.mutable_t()->add_float_data(value);
  return name;
}

std::string OnnxBuilder::filled_int64(const std::string& shape, int64_t value) {
  const std::string name = add("ConstantOfShape", {shape});
  onnx::AttributeProto& attribute = *graph_.mutable_node(graph_.node_size() - 1)->add_attribute();
  attribute.set_name("value");
  attribute.set_type(onnx::AttributeProto::TENSOR);
  attribute.mutable_t()->set_data_type(onnx::TensorProto::INT64);
  attribute.mutable_t()->add_dims(1);
  attribute.mutable_t()->add_int64_data(value);
  return name;
}

void OnnxBuilder::initializer(const std::string& name, const TensorView& values) {
  onnx::TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (int axis = 0; axis < values.shape.rank(); ++axis) tensor.add_dims(values.shape[axis]);
  tensor.set_raw_data(values.data, values.bytes());
}

std::string OnnxBuilder::slice(const std::string& x, int64_t begin, int64_t end, int64_t axis) {
  return add("Slice", {x, ints({begin}), ints({end}), ints({axis})});
}

std::string OnnxBuilder::concat(const std::vector<std::string>& parts, int64_t axis) {
  return parts.size() == 1 ? parts[0] : add("Concat", parts, {{"axis", axis}});
}

std::string OnnxBuilder::to_int64(const std::string& x) { return add("Cast", {x}, {{"to", onnx::TensorProto::INT64}}); }

std::string OnnxBuilder::to_float(const std::string& x) { return add("Cast", {x}, {{"to", onnx::TensorProto::FLOAT}}); }

std::string OnnxBuilder::rows_of(const std::string& x) { return slice(add("Shape", {x}), 0, 1); }

// The owner of a row is a cumulative sum of ones, one at the first row of every segment but the first. Empty segments
// add several ones at one row; a segment that begins after the last row adds its one after it.
const OnnxBuilder::Segments& OnnxBuilder::segments(const std::string& offsets) {
  Segments& s = segments_[offsets];
  if (!s.owner.empty()) return s;
  const std::string wide = to_int64(offsets), ends = slice(wide, 1, kEnd), begins = slice(wide, 0, -1);
  const std::string total = slice(wide, -1, kEnd), inner = slice(wide, 1, -1);
  const std::string zeros = filled_int64(add("Add", {total, ints({1})}), 0);
  const std::string ones = filled_int64(add("Shape", {inner}), 1);
  const std::string marks = add("ScatterElements", {zeros, inner, ones}, {{"axis", 0}, {"reduction", 0, "add"}});
  s.owner = slice(add("CumSum", {marks, ints({0})}), 0, -1);
  s.length = to_float(add("Unsqueeze", {add("Sub", {ends, begins}), ints({1})}));
  s.count = rows_of(begins);
  return s;
}

std::string OnnxBuilder::segment_sum(const std::string& rows, const Segments& s, int64_t cols) {
  const std::string zeros = filled(add("Concat", {s.count, ints({cols})}, {{"axis", 0}}), 0);
  const std::string owners = add("Expand", {add("Unsqueeze", {s.owner, ints({1})}), add("Shape", {rows})});
  return add("ScatterElements", {zeros, owners, rows}, {{"axis", 0}, {"reduction", 0, "add"}});
}

}  // namespace polyscene::core
