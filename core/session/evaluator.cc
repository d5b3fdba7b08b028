#include "core/session/evaluator.h"

#include "core/session/batches_ahead.h"

namespace polyscene::core {

void score(Session& session, BatchSource& source,
           const std::function<void(const Batch&, std::span<const float>)>& visit) {
  source.start_epoch(0);
  BatchesAhead batches(read_from(source), session);
  while (const auto item = batches.next()) visit(item->batch, session.predict(item->batch, item->prepared));
}

Predictions predict_all(Session& session, BatchSource& source) {
  Predictions p;
  p.groups.resize(session.schema().groups.size());
  const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  score(session, source, [&](const Batch& batch, std::span<const float> logits) {
    append(p.logits, logits);
    append(p.labels, batch.labels[session.model().label]);
    append(p.scenario, batch.scenario);
    append(p.row_keys, batch.row_keys);
    for (size_t g = 0; g < p.groups.size(); ++g) append(p.groups[g], batch.groups[g]);
  });
  return p;
}

Evaluation evaluate_split(Session& session, BatchSource& source) {
  Evaluation evaluation = evaluate(predict_all(session, source), session.schema().groups, session.communicator());
  ScenarioNames& names = session.scenario_names();
  names.share(session.communicator());
  for (ScenarioMetrics& s : evaluation.scenarios) {
    if (const std::string* name = names.find(s.scenario)) s.name = *name;
    if (!s.name && !names.complete()) s.name = std::to_string(s.scenario);
  }
  return evaluation;
}

}  // namespace polyscene::core
