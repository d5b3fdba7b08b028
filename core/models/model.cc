#include "core/models/model.h"

#include <algorithm>

#include "core/config/valid.h"
#include "core/models/feature_builder.h"
#include "core/models/zoo.h"
#include "ops/loss/bce_with_logits.h"

namespace polyscene::core {
namespace {

int label_index(const config::Model& model, const FeatureSchema& schema) {
  require(!schema.labels.empty(), "[models] wanted a label in the data");
  if (!model.has_label()) return 0;
  return static_cast<int>(std::ranges::find(schema.labels, model.label()) - schema.labels.begin());
}

Value build_logit(FeatureBuilder& f, const config::Model& model) {
  switch (model.kind_case()) {
    case config::Model::kSfpnet:
      return build_sfpnet(f, model);
    case config::Model::kLr:
      return build_lr(f, model);
    case config::Model::kMlp:
      return build_mlp(f, model);
    case config::Model::kDin:
      return build_din(f, model);
    case config::Model::kPepnet:
      return build_pepnet(f, model);
    case config::Model::KIND_NOT_SET:
      break;
  }
  throw InvalidArgument("[models] wanted a kind of model");
}

}  // namespace

Model build_model(const config::Experiment& experiment, const FeatureSchema& schema, DType floating) {
  require_valid_model(experiment.model(), experiment.data());
  Model model;
  model.graph = std::make_unique<Graph>(floating);
  model.label = label_index(experiment.model(), schema);
  FeatureBuilder f(model, experiment, schema);
  model.logit = build_logit(f, experiment.model());
  model.labels = model.graph->input("labels", floating, {f.batch(), 1});
  model.weight = model.graph->input("weight", floating, {1});
  model.loss = ops::bce_with_logits(model.logit, model.labels, model.weight);
  return model;
}

}  // namespace polyscene::core
