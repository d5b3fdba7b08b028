#include <algorithm>
#include <set>

#include "core/config/check.h"
#include "core/config/check_field.h"
#include "core/config/experiment.pb.h"
#include "core/text/suggest.h"

namespace polyscene::core::config_text {
namespace {

using config::Data;
using config::Feature;
using config::Model;

constexpr int kMaxWidth = 65536;

void check_width(const std::string& path, int width, Problems& problems) {
  problems.require(width >= 1 && width <= kMaxWidth, path, " wants a width from 1 to ", kMaxWidth, ", got ", width);
}

template <class Widths>
void check_widths(const std::string& path, const Widths& widths, Problems& problems) {
  for (int i = 0; i < widths.size(); ++i) check_width(str(path, "[", i, "]"), widths.Get(i), problems);
}

bool any_feature(const Data& data, bool (*holds)(const Feature&)) {
  for (const Feature& f : data.feature())
    if (holds(f)) return true;
  return false;
}

// Every model but LR has S among its inputs. Data without any feature is reported elsewhere.
void need_scenario(const std::string& path, const Data& data, Problems& problems) {
  problems.require(
      data.feature_size() == 0 || any_feature(data, [](const Feature& f) { return f.role() == Feature::SCENARIO; }),
      path,
      " wants a scenario vector, but no feature has role: SCENARIO; give it to the feature that tells the scenario");
}

// Every model but LR needs a context besides scenario and behaviours.
void need_context(const Data& data, Problems& problems) {
  problems.require(
      any_feature(data, [](const Feature& f) { return !f.has_sequence() && f.role() != Feature::SCENARIO; }), "data",
      " has no feature besides scenario and behaviours; a model wants at least one of the user, item or context");
}

int sequences_of(const Data& data) {
  return static_cast<int>(
      std::count_if(data.feature().begin(), data.feature().end(), [](const Feature& f) { return f.has_sequence(); }));
}

// Attention compares the whole behaviour with the whole target, so each side field needs a counterpart.
void need_targets(const std::string& path, const Data& data, Problems& problems) {
  for (int f = 0; f < data.feature_size(); ++f) {
    for (int i = 0; i < data.feature(f).sequence().side_size(); ++i) {
      const std::string side = str("data.feature[", f, "].sequence.side[", i, "]");
      problems.require(!data.feature(f).sequence().side(i).target().empty(), side, " wants a target, because ", path,
                       " compares behaviours with targets; add e.g. target: \"video_id\"");
    }
  }
}

void check_sfpnet(const config::Sfpnet& s, const Data& data, Problems& problems) {
  const std::string path = "model.sfpnet";
  problems.require(s.blocks() >= 1 && s.blocks() <= 64, path + ".blocks", " wants 1 to 64, got ", s.blocks());
  check_width(path + ".gate_hidden", s.gate_hidden(), problems);
  check_width(path + ".context_width", s.context_width(), problems);
  problems.require(s.rtm_hidden() >= 0 && s.rtm_hidden() <= kMaxWidth, path + ".rtm_hidden",
                   " wants 0 (twice the behaviour width) to ", kMaxWidth, ", got ", s.rtm_hidden());
  problems.require(sequences_of(data) == 1, path, " wants exactly one sequence of behaviours, the data has ",
                   sequences_of(data),
                   sequences_of(data) == 0 ? "; add one, or choose mlp or pepnet" : "; remove the others");
  need_scenario(path, data, problems);
  if (s.readout() == config::Sfpnet::READOUT_DAP_AND_TARGET_ATTENTION) need_targets(path + ".readout", data, problems);
  const bool scenario_ids = any_feature(data, [](const Feature& f) {
    return f.role() == Feature::SCENARIO && (f.has_categorical() || f.number().boundary_size() > 0);
  });
  problems.require(
      s.gate_form() != config::Sfpnet::SCENARIO_TABLE || scenario_ids, path + ".gate_form",
      " SCENARIO_TABLE wants a categorical feature with role: SCENARIO, the data has none; choose TWO_LAYER");
}

void check_pepnet(const config::Pepnet& p, const Data& data, Problems& problems) {
  const std::string path = "model.pepnet";
  check_width(path + ".gate_hidden", p.gate_hidden(), problems);
  need_scenario(path, data, problems);
  problems.require(
      p.personal_size() > 0, path,
      " wants the features that tell user, item and author apart, whose embeddings personalise the layers; "
      "add e.g. personal: [\"user_id\", \"video_id\"]");
  std::set<std::string> seen;
  for (int i = 0; i < p.personal_size(); ++i) {
    const std::string at = str(path, ".personal[", i, "]");
    check_field(at, p.personal(i), data, problems);
    problems.require(seen.insert(p.personal(i)).second, at, " \"", p.personal(i), "\" is there twice; keep one");
  }
}

void check_kind(const Model& model, const Data& data, Problems& problems) {
  switch (model.kind_case()) {
    case Model::kSfpnet:
      return check_sfpnet(model.sfpnet(), data, problems);
    case Model::kLr:
      problems.require(
          model.head_size() == 0, "model.head",
          " has no place in lr, which is one weight per id and no hidden layer; remove head or choose mlp");
      return;
    case Model::kMlp:
      return need_scenario("model.mlp", data, problems);
    case Model::kDin:
      check_widths("model.din.attention_hidden", model.din().attention_hidden(), problems);
      problems.require(sequences_of(data) > 0, "model.din",
                       " wants a sequence of behaviours, the data has none; add one, or choose mlp or pepnet");
      need_scenario("model.din", data, problems);
      return need_targets("model.din", data, problems);
    case Model::kPepnet:
      return check_pepnet(model.pepnet(), data, problems);
    case Model::KIND_NOT_SET:
      problems.add("model", "model wants a kind: one of sfpnet { }, lr { }, mlp { }, din { }, pepnet { }");
  }
}

}  // namespace

void check_model(const Model& model, const Data& data, Problems& problems) {
  std::vector<std::string> labels;
  for (const config::Label& label : data.label()) labels.push_back(label.name());
  const bool known = !model.has_label() || std::find(labels.begin(), labels.end(), model.label()) != labels.end();
  problems.require(known, "model.label", " wants a label of the data, got \"", model.label(), "\"",
                   suggestion(model.label(), labels));
  check_widths("model.head", model.head(), problems);
  check_kind(model, data, problems);
  const bool wants_context = model.kind_case() != Model::KIND_NOT_SET && !model.has_lr();
  if (wants_context && data.feature_size() > 0) need_context(data, problems);
}

}  // namespace polyscene::core::config_text
