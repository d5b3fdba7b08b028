// The ONNX form of every operator that scoring needs.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/export/onnx/builder.h"
#include "ops/graph/graph.h"

namespace polyscene::core {

// Adds the computation of a node with the named inputs. Returns the names of its outputs; "" for an output that scoring
// does not need.
using OnnxForm =
    std::function<std::vector<std::string>(OnnxBuilder&, const Node&, const std::vector<std::string>& inputs)>;

// Forms by operator name. Operators without a form occur only in training.
[[nodiscard]] const std::map<std::string_view, OnnxForm>& onnx_forms();

}  // namespace polyscene::core
