#include "core/checkpoint/model_files.h"

#include "core/checkpoint/folders.h"
#include "core/checkpoint/model_parts.h"

namespace polyscene {
void save_model(const std::string& folder, const config::Experiment& experiment, Session& session) {
  Communicator& communicator = session.communicator();
  const bool leads = communicator.rank() == 0;
  const std::string aside = folder + ".partial";
  PartialFolder partial(leads ? aside : "");
  together(communicator, [&] {
    if (!leads) return;
    remove_folder(aside);
    make_folder(aside + "/tables");
  });
  session.scenario_names().share(communicator);
  together(communicator, [&] { static_cast<void>(write_parts(aside, experiment, session)); });
  together(communicator, [&] {
    if (leads) replace_folder(folder, aside);
  });
  partial.release();
}

void load_model(const std::string& folder, Session& session, const std::vector<std::vector<int64_t>>* wanted) {
  read_parts({folder}, session, {.wanted = wanted});
}

}  // namespace polyscene
