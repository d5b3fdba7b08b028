#include "core/checkpoint/model_files.h"

#include <algorithm>
#include <cmath>

#include "core/checkpoint/folders.h"
#include "core/checkpoint/hash_check.h"
#include "core/checkpoint/model_parts.h"
#include "core/session/together.h"

namespace polyscene::core {
namespace {

// A value that is not finite would turn every score into NaN.
void require_finite(const std::string& folder, const ParameterStore& parameters) {
  const Tensor values = parameters.host_values();
  for (const ParameterStore::Entry& entry : parameters.entries())
    require<DataError>(std::ranges::all_of(ParameterStore::part(entry, values).elements<const float>(),
                                           [](float x) { return std::isfinite(x); }),
                       "[checkpoint] ", folder, "/dense.safetensors: tensor \"", entry.name,
                       "\" has values that are not finite and cannot score; use another model, or train it again");
}

}  // namespace

void save_model(const std::string& folder, const config::Experiment& experiment, const ModelState& model) {
  dist::Communicator& communicator = model.communicator;
  const bool is_leader = communicator.rank() == 0;
  const std::string aside = folder + ".partial";
  PartialFolder partial(is_leader ? aside : "");
  together(communicator, [&] {
    if (!is_leader) return;
    remove_folder(aside);
    make_folder(aside + "/tables");
  });
  model.scenario_names.share(communicator);
  std::vector<WrittenFile> written;
  together(communicator, [&] { written = write_parts(aside, experiment, model); });
  write_model_hashes(aside, written, communicator);
  together(communicator, [&] {
    if (is_leader) replace_folder(folder, aside);
  });
  partial.release();
}

void load_model(const std::string& folder, const ModelState& model, const std::vector<std::vector<int64_t>>* wanted) {
  std::vector<int64_t> dropped;
  const auto read = [&] {
    dropped = read_parts({folder}, model, {.wanted = wanted});
    require_finite(folder, model.parameters);
  };
  read_checked(folder, model.communicator, kRestoreModel, read, wanted == nullptr);
  warn_of_dropped(std::move(dropped), folder, model);
}

}  // namespace polyscene::core
