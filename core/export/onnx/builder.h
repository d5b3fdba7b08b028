// Builder of ONNX graphs: adds nodes with attributes and constants, and creates their names.
#pragma once

#include <onnx/onnx_pb.h>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ops/graph/op.h"

namespace polyscene::core {

class OnnxBuilder {
 public:
  // Opset 17. The graph must outlive this.
  explicit OnnxBuilder(onnx::GraphProto& graph) : graph_(graph) {}

  using Ints = std::vector<int64_t>;
  struct Attribute {
    std::string name;
    int64_t integer = 0;
    std::string text = {};  // value of a string attribute
  };

  // Adds a node with one output and returns its name.
  std::string add(const std::string& op, std::vector<std::string> inputs, std::vector<Attribute> attributes = {});
  // The name of a constant, int64 [n] or a float32 scalar; equal constants are added once.
  std::string ints(const Ints& values);
  std::string number(float value);
  // A tensor filled with `value`, whose shape is the int64 tensor `shape`.
  std::string filled(const std::string& shape, float value);
  std::string filled_int64(const std::string& shape, int64_t value);
  // Adds a float32 initializer.
  void initializer(const std::string& name, const TensorView& values);

  // Elements [begin, end) of x along an axis; a negative `end` counts from the end, kEnd is the end.
  static constexpr int64_t kEnd = int64_t{1} << 62;
  std::string slice(const std::string& x, int64_t begin, int64_t end, int64_t axis = 0);
  std::string concat(const std::vector<std::string>& parts, int64_t axis);
  std::string to_int64(const std::string& x);
  std::string to_float(const std::string& x);
  std::string rows_of(const std::string& x);  // int64 [1]

  // Segments of rows [T] with int32 offsets [B + 1]: owner, the segment of each row, int64 [T]; length of each segment,
  // float [B, 1]; count of segments, int64 [1]. Added once for each offsets.
  struct Segments {
    std::string owner, length, count;
  };
  const Segments& segments(const std::string& offsets);
  // Sums of rows [T, cols] over their segments, [B, cols].
  std::string segment_sum(const std::string& rows, const Segments& s, int64_t cols);

 private:
  std::string fresh(const std::string& op) { return op + "_" + std::to_string(nodes_++); }

  onnx::GraphProto& graph_;
  int64_t nodes_ = 0;
  std::map<Ints, std::string> ints_;
  std::map<float, std::string> numbers_;
  std::map<std::string, Segments> segments_;
};

}  // namespace polyscene::core
