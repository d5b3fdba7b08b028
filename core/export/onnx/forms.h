// The ONNX form of every operator that scoring needs.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/export/onnx/builder.h"
#include "ops/graph/graph.h"

namespace polyscene {

// Adds a node's computation, of the named inputs, and returns the names of its outputs; "" for one that is not part of
// scoring.
using OnnxForm =
    std::function<std::vector<std::string>(OnnxBuilder&, const Node&, const std::vector<std::string>& inputs)>;

// By operator. Those that are not there belong to training alone.
[[nodiscard]] const std::map<std::string_view, OnnxForm>& onnx_forms();

}  // namespace polyscene
