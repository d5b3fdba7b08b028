#include "core/checkpoint/run_models.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <vector>

#include "core/checkpoint/folders.h"
#include "core/checkpoint/held_model.h"
#include "core/checkpoint/manifest_file.h"
#include "core/files/file_advice.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

constexpr const char* kModels = "models";

// Whether new_name() could have given the name: "step-0000000042", with or without "-K" appended.
bool is_models_name(const std::string& name) {
  const size_t end = name.find('-', std::strlen("step-"));
  const std::string suffix = end == std::string::npos ? "-2" : name.substr(end);
  return checkpoint::step_of(name.substr(0, end)).has_value() && suffix.size() > 1 &&
         suffix.find_first_not_of("0123456789", 1) == std::string::npos;
}

std::set<std::string> named_by_checkpoints(const std::string& folder) {
  std::set<std::string> names;
  for (const int64_t step : checkpoint::steps_in(folder)) {
    try {
      names.insert(checkpoint::read_manifest(folder + "/" + checkpoint::name_of(step)).best_model());
    } catch (const DataError&) {
      // Resume from this checkpoint reports the damage.
    }
  }
  return names;
}

// A reader that arrives in the meantime waits for the lock, then finds the model removed and looks again.
void remove_unless_held(const std::string& folder) {
  const int file = ::open(HeldModel::lock_file(folder).c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  const bool held = file >= 0 && ::flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (!held) remove_folder(folder);
  if (file >= 0) ::close(file);
}

}  // namespace

std::string RunModels::new_name(int64_t step) const {
  std::string name = checkpoint::name_of(step);
  std::error_code error;
  for (int more = 2; fs::exists(folder(name), error); ++more) name = str(checkpoint::name_of(step), "-", more);
  return name;
}

bool RunModels::has(const std::string& name) const {
  std::error_code error;
  return is_models_name(name) && fs::exists(folder(name) + "/dense.safetensors", error);
}

void RunModels::link(const std::string& link, const std::string& name) const {
  const std::string target = str(kModels, "/", name), aside = run_.models() + "/.link";
  move_earlier_away(link);
  ::unlink(aside.c_str());
  const bool made = ::symlink(target.c_str(), aside.c_str()) == 0 && ::rename(aside.c_str(), link.c_str()) == 0;
  require<DataError>(made, "[checkpoint] cannot make ", link, " a link to ", target, ": ", std::strerror(errno),
                     "; choose an --output on a file system that has symbolic links, and that you may write to");
  sync_folder(run_.path(), false);
}

// Returns the new name; empty when there is no folder.
std::string RunModels::move_earlier_away(const std::string& link) const {
  std::error_code error;
  const fs::file_status there = fs::symlink_status(link, error);
  if (!fs::exists(there) || fs::is_symlink(there)) return {};
  make_folder(run_.models());
  const std::string earlier = folder("earlier-" + fs::path(link).filename().string());
  std::string free = earlier;
  for (int more = 2; fs::exists(free, error); ++more) free = str(earlier, "-", more);
  move_folder(link, free);
  return fs::path(free).filename().string();
}

std::string RunModels::unlink(const std::string& link) const {
  std::string moved = move_earlier_away(link);
  std::error_code error;
  if (fs::is_symlink(link, error)) fs::remove(link, error);
  require<DataError>(!error || error == std::errc::no_such_file_or_directory, "[checkpoint] cannot remove the link ",
                     link, ": ", error.message(), file_advice(error.value(), link));
  return moved;
}

std::string RunModels::linked(const std::string& link) const {
  std::error_code error;
  const fs::path target = fs::canonical(link, error), models = fs::canonical(run_.models(), error);
  return error || target.parent_path() != models ? "" : target.filename().string();
}

void RunModels::prune() const {
  std::set<std::string> wanted = named_by_checkpoints(run_.checkpoints());
  wanted.insert(kept_);
  std::error_code error;
  for (fs::directory_iterator entry(run_.path(), error); !error && entry != fs::directory_iterator();
       entry.increment(error))
    if (entry->is_symlink()) wanted.insert(linked(entry->path().string()));
  if (error) return;  // a link that was not seen might name any of the models
  std::vector<std::string> unwanted;
  for (fs::directory_iterator entry(run_.models(), error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const bool unfinished = entry->path().extension() == ".partial";
    if (unfinished || (is_models_name(name) && !wanted.contains(name))) unwanted.push_back(entry->path().string());
  }
  for (const std::string& path : unwanted) remove_unless_held(path);
}

}  // namespace polyscene::core
