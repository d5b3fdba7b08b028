#include "tests/fuzz/tiny_run.h"

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/model_files.h"
#include "core/session/session.h"
#include "dist/world.h"
#include "tests/core/models/model_harness.h"
#include "tests/core/session/random_batch.h"
#include "tests/support/rank.h"

namespace polyscene::testing {

void make_tiny_run(const std::string& folder) {
  constexpr int64_t kRows = 8;
  config::Experiment experiment = tiny_experiment();
  experiment.mutable_train()->mutable_checkpoint()->set_every_steps(1);
  const core::FeatureSchema schema = core::FeatureSchema::from(experiment.data());
  const auto world = dist::make_single_world();
  core::Session session(experiment, schema, on_host(*world));
  const core::RunFolder run(folder);
  std::optional<core::CheckpointBase> base;
  for (int64_t step = 1; step <= 2; ++step) {
    session.train_step(random_batch(schema, kRows, static_cast<uint64_t>(step)), kRows, 1);
    session.settle();
    core::CheckpointSave save(run, experiment, "1 files, 2 bytes, 3",
                              {.step = step, .best = core::BestSoFar{.value = 0.5, .step = 1}}, session.state(), base);
    save.finish();
    base = save.as_base();
  }
  save_model(run.model(), experiment, session.state());
}

}  // namespace polyscene::testing
