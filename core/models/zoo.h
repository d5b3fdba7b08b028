// The models. Each takes the features and returns the logit [batch, 1].
#pragma once

#include "core/models/feature_builder.h"

namespace polyscene::core {

// SFPNet as we read arXiv 2404.09709, with every switch of config::Sfpnet.
[[nodiscard]] Value build_sfpnet(FeatureBuilder& f, const config::Model& model);

// Logistic regression: the sum of one weight per id over all features, plus a bias. A sequence contributes the mean of
// its weights.
[[nodiscard]] Value build_lr(FeatureBuilder& f, const config::Model& model);

// One MLP for all scenarios on all fields and mean-pooled sequences.
[[nodiscard]] Value build_mlp(FeatureBuilder& f, const config::Model& model);

// Deep interest network (Zhou et al., KDD 2018): sequences pooled by attention to the target.
[[nodiscard]] Value build_din(FeatureBuilder& f, const config::Model& model);

// PEPNet (Chang et al., KDD 2023) for one task: EPNet gates the embeddings by the scenario, PPNet gates the layers'
// inputs by the ids that config::Pepnet::personal names and the gated embeddings.
[[nodiscard]] Value build_pepnet(FeatureBuilder& f, const config::Model& model);

}  // namespace polyscene::core
