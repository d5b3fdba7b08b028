#include "core/train/report/run_start.h"

#include <ostream>

#include "core/data/scenario_note.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

// "2 ranks" or "4 virtual ranks on 2 ranks".
std::string describe_ranks(const RunStart& start) {
  const auto count = [](int ranks, const char* what) { return str(ranks, what, ranks == 1 ? " rank" : " ranks"); };
  if (start.experiment.train().virtual_ranks() == 0) return count(start.ranks, "");
  return count(start.ranks, " virtual") + " on " + count(start.real_ranks, "");
}

// How devices exchange data, and what the hosts do for them.
void print_exchange(std::ostream& out, const DeviceReport& device, bool rows_on_host) {
  out << "devices exchange " << (rows_on_host ? "gradients of dense parameters by " : "rows and gradients by ")
      << device.exchange << (rows_on_host ? ", the hosts rows and their gradients" : "")
      << (device.why.empty() ? "" : " (" + device.why + ")") << '\n';
}

}  // namespace

void print(std::ostream& out, const RunStart& start) {
  out << "training " << start.experiment.name() << ": " << start.rows << " rows, " << start.steps_per_epoch
      << " steps per epoch, " << describe_ranks(start) << " (" << start.network << ")"
      << (start.device.name.empty() ? "" : " on " + start.device.name) << '\n';
  if (const std::string note = scenario_note(start.experiment.data()); !note.empty()) out << note << '\n';
  if (!start.checkpoint.empty()) out << "resumed from step " << start.step << ", " << start.checkpoint << '\n';
  if (start.warm_start) print(out, *start.warm_start);
  if (!start.device.name.empty() && start.ranks > 1)
    print_exchange(out, start.device, start.experiment.embedding().memory() == config::Embedding::HOST);
  out << std::flush;
}

}  // namespace polyscene::core
