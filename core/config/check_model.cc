#include <algorithm>

#include "core/config/check.h"
#include "core/config/experiment.pb.h"
#include "core/config/suggest.h"

namespace polyscene::config_text {
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

void need_scenario(const std::string& path, const Data& data, Problems& problems) {
  problems.require(
      any_feature(data, [](const Feature& f) { return f.role() == Feature::SCENARIO; }), path,
      " wants a scenario vector, but no feature has role: SCENARIO; give it to the feature that tells the scenario");
}

void need_sequence(const std::string& path, const Data& data, Problems& problems) {
  problems.require(any_feature(data, [](const Feature& f) { return f.has_sequence(); }), path,
                   " wants behaviours, but no feature is a sequence; add one, or choose mlp or pepnet");
}

void need_target(const std::string& path, const Data& data, Problems& problems) {
  const auto has_target = [](const Feature& f) {
    for (const auto& side : f.sequence().side())
      if (!side.target().empty()) return true;
    return false;
  };
  problems.require(any_feature(data, has_target), path,
                   " compares behaviours with targets, but no side of a sequence names one; add e.g. target: "
                   "\"video_id\" to a side");
}

void check_sfpnet(const config::Sfpnet& s, const Data& data, Problems& problems) {
  const std::string path = "model.sfpnet";
  problems.require(s.blocks() >= 1 && s.blocks() <= 64, path + ".blocks", " wants 1 to 64, got ", s.blocks());
  check_width(path + ".gate_hidden", s.gate_hidden(), problems);
  check_width(path + ".context_width", s.context_width(), problems);
  problems.require(s.rtm_hidden() >= 0 && s.rtm_hidden() <= kMaxWidth, path + ".rtm_hidden",
                   " wants 0 (twice the behaviour width) to ", kMaxWidth, ", got ", s.rtm_hidden());
  need_sequence(path, data, problems);
  need_scenario(path, data, problems);
  if (s.readout() == config::Sfpnet::READOUT_DAP_AND_TARGET_ATTENTION) need_target(path + ".readout", data, problems);
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
      return;
    case Model::kDin:
      check_widths("model.din.attention_hidden", model.din().attention_hidden(), problems);
      need_sequence("model.din", data, problems);
      return need_target("model.din", data, problems);
    case Model::kPepnet:
      check_width("model.pepnet.gate_hidden", model.pepnet().gate_hidden(), problems);
      return need_scenario("model.pepnet", data, problems);
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
}

}  // namespace polyscene::config_text
