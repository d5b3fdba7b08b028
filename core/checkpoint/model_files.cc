#include "core/checkpoint/model_files.h"

#include <fcntl.h>

#include <cstdio>

#include "core/checkpoint/folders.h"
#include "core/checkpoint/model_parts.h"

namespace polyscene {
namespace {

// Whoever looks sees the earlier model or the new one, whole. Network file systems may know no exchange: then there is
// none for a moment.
void put_in_place(const std::string& aside, const std::string& folder, const std::string& previous) {
  const bool exchanged = ::renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) == 0;
  const std::string& old = exchanged ? aside : folder;
  if (previous.empty()) {
    remove_folder(old);
  } else {
    move_folder(old, previous);
  }
  if (!exchanged) move_folder(aside, folder);
}

}  // namespace

void save_model(const std::string& folder, const config::Experiment& experiment, Session& session,
                const std::string& previous) {
  Communicator& communicator = session.communicator();
  const bool leads = communicator.rank() == 0;
  const std::string aside = folder + ".partial";
  together(communicator, [&] {
    if (!leads) return;
    remove_folder(aside);
    make_folder(aside + "/tables");
  });
  together(communicator, [&] { static_cast<void>(write_parts(aside, experiment, session)); });
  together(communicator, [&] {
    if (leads) put_in_place(aside, folder, previous);
  });
}

void load_model(const std::string& folder, Session& session, const std::vector<std::vector<int64_t>>* wanted) {
  read_parts(folder, session, {.wanted = wanted});
}

}  // namespace polyscene
