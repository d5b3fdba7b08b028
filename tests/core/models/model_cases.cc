#include "tests/core/models/model_cases.h"

#include <utility>

namespace polyscene::testing {
namespace {

using config::Sfpnet;

template <class Setter>
ModelCase sfpnet(std::string name, Setter set) {
  return {std::move(name), [set](config::Model& m) { set(*m.mutable_sfpnet()); }};
}

}  // namespace

std::vector<ModelCase> model_cases() {
  return {
      sfpnet("defaults", [](Sfpnet&) {}),
      sfpnet("one_block", [](Sfpnet& c) { c.set_blocks(1); }),
      sfpnet("gate_of_scenario", [](Sfpnet& c) { c.set_gate_input(Sfpnet::SCENARIO_ONLY); }),
      sfpnet("gate_not_stopped", [](Sfpnet& c) { c.set_gate_input(Sfpnet::SCENARIO_AND_FEATURES); }),
      sfpnet("gate_per_field", [](Sfpnet& c) { c.set_gate_grain(Sfpnet::FIELD); }),
      sfpnet("gate_one_layer", [](Sfpnet& c) { c.set_gate_form(Sfpnet::ONE_LAYER); }),
      sfpnet("gate_table", [](Sfpnet& c) { c.set_gate_form(Sfpnet::SCENARIO_TABLE); }),
      sfpnet("gate_c_only", [](Sfpnet& c) { c.set_gate_scope(Sfpnet::C_ONLY); }),
      sfpnet("dap_variance", [](Sfpnet& c) { c.set_dap(Sfpnet::MEAN_VARIANCE); }),
      sfpnet("dap_mean", [](Sfpnet& c) { c.set_dap(Sfpnet::MEAN); }),
      sfpnet("rtm_add", [](Sfpnet& c) { c.set_rtm_form(Sfpnet::ADD); }),
      sfpnet("rtm_gated", [](Sfpnet& c) { c.set_rtm_form(Sfpnet::GATED); }),
      sfpnet("context_not_carried", [](Sfpnet& c) { c.set_carry_context(false); }),
      sfpnet("target_attention", [](Sfpnet& c) { c.set_readout(Sfpnet::READOUT_DAP_AND_TARGET_ATTENTION); }),
      sfpnet("no_sam", [](Sfpnet& c) { c.set_use_sam(false); }),
      sfpnet("no_rtm", [](Sfpnet& c) { c.set_use_rtm(false); }),
      {"lr",
       [](config::Model& m) {
         m.mutable_lr();
         m.clear_head();
       }},
      {"mlp", [](config::Model& m) { m.mutable_mlp(); }},
      {"din", [](config::Model& m) { m.mutable_din(); }},
      {"pepnet",
       [](config::Model& m) {
         m.mutable_pepnet()->set_gate_hidden(6);
         m.mutable_pepnet()->add_personal("user");
         m.mutable_pepnet()->add_personal("item");
       }},
  };
}

}  // namespace polyscene::testing
