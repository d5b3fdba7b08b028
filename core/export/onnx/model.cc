#include "core/export/onnx/model.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/checkpoint/folders.h"
#include "core/export/onnx/forms.h"
#include "core/files/atomic_file.h"
#include "core/files/safetensors.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr int64_t kOpset = 17, kIrVersion = 8;
constexpr int64_t kMostBytes = (int64_t{1} << 31) - (int64_t{1} << 20);  // limit of a protobuf message

// The tables of one dim, concatenated.
struct InsideRows {
  std::string name;  // of the input that they replace
  int64_t dim = 0, rows = 0;
  std::vector<int> tables;     // indices into Model::tables
  std::vector<int64_t> first;  // first row of each
};

int64_t table_bytes(const ServedModel& model) {
  int64_t bytes = 0;
  for (const auto& store : model.stores()) bytes += 4 * store->rows() * store->dim();
  return bytes;
}

std::vector<InsideRows> inside_rows(const ServedModel& model) {
  std::vector<InsideRows> all;
  for (const RowsInput& input : model.model().rows) {
    InsideRows rows{.name = model.model().graph->describe(input.rows), .dim = input.dim, .tables = {}, .first = {}};
    for (size_t t = 0; t < model.model().tables.size(); ++t) {
      if (model.model().tables[t].dim != input.dim) continue;
      rows.tables.push_back(static_cast<int>(t));
      rows.first.push_back(rows.rows);
      rows.rows += model.stores()[t]->rows();
    }
    all.push_back(std::move(rows));
  }
  return all;
}

Tensor values_of(const ServedModel& model, const InsideRows& rows) {
  Tensor values(DType::kFloat32, {rows.rows, rows.dim});
  float* to = values.elements<float>().data();
  for (const int t : rows.tables) {
    const EmbeddingStore& store = *model.stores()[t];
    for (int64_t row = 0; row < store.rows(); ++row, to += rows.dim) store.read(row, to);
  }
  return values;
}

void describe_type(onnx::ValueInfoProto& info, const std::string& name, const ValueType& type, const Graph& graph) {
  info.set_name(name);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type.dtype == DType::kInt32 ? onnx::TensorProto::INT32 : onnx::TensorProto::FLOAT);
  for (const Dim& d : type.shape.dims()) {
    auto& extent = *tensor.mutable_shape()->add_dim();
    if (d.is_static()) {
      extent.set_dim_value(d.constant);
      continue;
    }
    std::string symbol = graph.symbols()[d.symbol];
    if (d.constant != 0) symbol += " + " + std::to_string(d.constant);
    extent.set_dim_param(symbol);
  }
}

// The nodes on which the logit depends, in graph order.
std::vector<const Node*> forward_nodes(const Model& model) {
  const Graph& graph = *model.graph;
  std::vector<bool> needed(graph.value_count());
  needed[model.logit.id] = true;
  std::vector<const Node*> nodes;
  for (size_t n = graph.nodes().size(); n-- > 0;) {
    const Node& node = graph.nodes()[n];
    if (std::ranges::none_of(node.outputs, [&](Value v) { return needed[v.id]; })) continue;
    for (const Value& v : node.inputs) needed[v.id] = true;
    nodes.push_back(&node);
  }
  std::ranges::reverse(nodes);
  return nodes;
}

// Inputs of the graph that the nodes read, without parameters, in order of their first use.
std::vector<Value> inputs_of(const Graph& graph, const std::vector<const Node*>& nodes) {
  std::vector<Value> inputs;
  for (const Node* node : nodes)
    for (const Value& v : node->inputs) {
      const bool parameter = std::ranges::find(graph.parameters(), v, &Parameter::value) != graph.parameters().end();
      if (graph.producer(v) < 0 && !parameter && std::ranges::find(inputs, v) == inputs.end()) inputs.push_back(v);
    }
  return inputs;
}

// Adds the nodes; returns the name of the logit.
std::string add_nodes(const Model& model, const std::vector<const Node*>& nodes, OnnxBuilder& builder) {
  const Graph& graph = *model.graph;
  std::vector<std::string> names(graph.value_count());
  const auto name = [&](Value v) -> std::string& { return names[v.id]; };
  for (const Node* node : nodes) {
    const auto form = onnx_forms().find(node->op->name);
    require(form != onnx_forms().end(), "[export] operator ", node->op->name, " has no ONNX form");
    std::vector<std::string> in;
    for (const Value& v : node->inputs) in.push_back(graph.producer(v) < 0 ? graph.describe(v) : name(v));
    std::vector<std::string> out = form->second(builder, *node, in);
    require(out.size() == node->outputs.size(), "[export] operator ", node->op->name, " has ", node->outputs.size(),
            " outputs, its ONNX form ", out.size());
    for (size_t i = 0; i < out.size(); ++i) name(node->outputs[i]) = std::move(out[i]);
  }
  return name(model.logit);
}

OrderedJson describe_inputs(const ServedModel& served, const std::vector<InsideRows>* inside) {
  const Model& model = served.model();
  const FeatureSchema& schema = served.schema();
  const auto table = [&](int t) { return model.tables[t].name; };
  const auto name = [&](Value v) { return model.graph->describe(v); };
  OrderedJson json;
  for (const FieldsInput& input : model.fields) {
    OrderedJson columns = OrderedJson::array();
    for (size_t k = 0; k < input.fields.size(); ++k)
      columns.push_back({{"feature", schema.fields[input.fields[k]].name}, {"table", table(input.tables[k])}});
    json[name(input.index)] = {{"dim", input.dim}, {"columns", columns}};
  }
  for (const SequenceInput& input : model.sequences) {
    OrderedJson sides = OrderedJson::array();
    for (const int t : input.tables) sides.push_back(table(t));
    const std::string feature = schema.sequences[input.sequence].name;
    json[name(input.distinct_index)] = {{"sequence", feature}, {"dim", input.dim}, {"tables", sides}};
    json[name(input.index)] = {{"sequence", feature}, {"rows_of", name(input.distinct_index)}};
    json[name(input.offsets)] = {{"sequence", feature}, {"offsets_of", name(input.index)}};
  }
  for (const BagInput& input : model.bags) {
    const std::string feature = schema.bags[input.bag].name;
    json[name(input.index)] = {{"bag", feature}, {"dim", input.dim}, {"table", table(input.table)}};
    json[name(input.weights)] = {{"bag", feature}, {"weights_of", name(input.index)}};
    json[name(input.offsets)] = {{"bag", feature}, {"offsets_of", name(input.index)}};
  }
  if (model.numbers) {
    OrderedJson numbers = OrderedJson::array();
    for (const NumberFeature& number : schema.numbers) numbers.push_back(number.name);
    json[name(model.numbers)] = {{"columns", numbers}};
  }
  OrderedJson all = {{"inputs", json}, {"tables", OrderedJson::object()}};
  if (inside != nullptr)
    for (const InsideRows& rows : *inside)
      for (size_t k = 0; k < rows.tables.size(); ++k)
        all["tables"][table(rows.tables[k])] = {{"rows", rows.name}, {"first_row", rows.first[k]}};
  return all;
}

void write_keys(const std::string& path, const ServedModel& model) {
  std::vector<Tensor> arrays;
  std::vector<NamedTensor> named;
  for (size_t t = 0; t < model.stores().size(); ++t) {
    const EmbeddingStore& store = *model.stores()[t];
    Tensor& keys = arrays.emplace_back(DType::kInt64, Shape{store.rows()});
    for (int64_t row = 0; row < store.rows(); ++row) keys.elements<int64_t>()[row] = store.key(row);
    named.push_back({model.model().tables[t].name, keys.view()});
  }
  write_safetensors(path, std::move(named));
}

void write_file(const std::string& path, const std::string& bytes) {
  AtomicFile file(path, std::ssize(bytes));
  file.write(bytes.data(), std::ssize(bytes));
  file.commit();
}

}  // namespace

void write_onnx(const ServedModel& served, const OnnxOptions& options) {
  const Model& model = served.model();
  const bool is_inside = table_bytes(served) <= options.most_inside_bytes;
  const std::vector<InsideRows> inside = inside_rows(served);
  const std::string folder = served.folder() + "/onnx";
  make_folder(folder);

  onnx::ModelProto proto;
  proto.set_ir_version(kIrVersion);
  proto.set_producer_name("polyscene");
  proto.add_opset_import()->set_version(kOpset);
  onnx::GraphProto& graph = *proto.mutable_graph();
  graph.set_name(served.experiment().name().empty() ? "polyscene" : served.experiment().name());
  OnnxBuilder builder(graph);
  const std::vector<const Node*> nodes = forward_nodes(model);
  for (const Value& v : inputs_of(*model.graph, nodes)) {
    const std::string name = model.graph->describe(v);
    const auto rows = std::ranges::find(inside, name, &InsideRows::name);
    if (is_inside && rows != inside.end())
      builder.initializer(name, values_of(served, *rows).view());
    else
      describe_type(*graph.add_input(), name, v.type(), *model.graph);
  }
  for (size_t p = 0; p < model.graph->parameters().size(); ++p)
    builder.initializer(model.graph->parameters()[p].name, served.parameter(p));
  const std::string logit = add_nodes(model, nodes, builder);
  const auto output = [&](const std::string& name, const std::string& op) {
    onnx::NodeProto& node = *graph.add_node();
    node.set_op_type(op);
    node.set_name(name);
    node.add_input(logit);
    node.add_output(name);
    describe_type(*graph.add_output(), name, model.logit.type(), *model.graph);
  };
  output("logit", "Identity");
  output("probability", "Sigmoid");
  const int64_t bytes = proto.ByteSizeLong();
  require<DataError>(bytes <= kMostBytes, "[export] the ONNX model has ", bytes, " bytes, more than a file holds, ",
                     kMostBytes, "; --onnx-inside 0 leaves its tables outside");
  write_file(folder + "/model.onnx", proto.SerializeAsString());
  write_file(folder + "/inputs.json", describe_inputs(served, is_inside ? &inside : nullptr).dump(2) + "\n");
  if (is_inside) write_keys(folder + "/keys.safetensors", served);
}

void write_onnx_sample(const std::string& path, const ServedModel& served, const Batch& batch,
                       const OnnxOptions& options) {
  const Model& model = served.model();
  const Graph& graph = *model.graph;
  Scorer scorer(served);
  const std::span<const float> logits = scorer.score(batch);
  const bool is_inside = table_bytes(served) <= options.most_inside_bytes;
  const std::vector<InsideRows> inside = inside_rows(served);

  // For each dim, the index into "rows/DIM" of each of the batch's rows.
  std::map<int64_t, std::vector<int32_t>> global;
  const embedding::UniqueKeys& unique = scorer.keys();
  const int64_t* key = unique.keys().data();
  const embedding::TableLayout& layout = served.layout();
  for (int wire = 0; wire < layout.tables(); ++wire) {
    const int table = layout.wire_order()[wire];
    const EmbeddingStore& store = *served.stores()[table];
    const auto rows = std::ranges::find(inside, store.dim(), &InsideRows::dim);
    const auto at = std::ranges::find(rows->tables, table) - rows->tables.begin();
    for (int64_t i = unique.count(0, wire); i > 0; --i, ++key) {
      const int64_t row = store.find(*key);
      global[store.dim()].push_back(row < 0 ? -1 : static_cast<int32_t>(rows->first[at] + row));
    }
  }
  std::map<int32_t, int64_t> dim_of;  // of inputs that are row indices
  for (const FieldsInput& f : model.fields) dim_of[f.index.id] = f.dim;
  for (const SequenceInput& s : model.sequences) dim_of[s.distinct_index.id] = s.dim;
  for (const BagInput& b : model.bags) dim_of[b.index.id] = b.dim;

  std::vector<NamedTensor> named;
  std::vector<Tensor> copies;
  copies.reserve(model.fields.size() + model.sequences.size() + model.bags.size());
  for (const Value& v : inputs_of(graph, forward_nodes(model))) {
    const std::string name = graph.describe(v);
    TensorView view = scorer.input(v);
    if (is_inside && std::ranges::find(inside, name, &InsideRows::name) != inside.end()) continue;
    if (const auto dim = dim_of.find(v.id); is_inside && dim != dim_of.end()) {
      Tensor& copy = copies.emplace_back(DType::kInt32, view.shape);
      std::ranges::transform(view.elements<const int32_t>(), copy.elements<int32_t>().begin(),
                             [&](int32_t row) { return row < 0 ? -1 : global.at(dim->second)[row]; });
      view = copy.view();
    }
    named.push_back({name, view});
  }
  named.push_back({"logit", TensorView{const_cast<float*>(logits.data()), DType::kFloat32, {batch.rows, 1}}});
  write_safetensors(path, std::move(named));
}

}  // namespace polyscene::core
