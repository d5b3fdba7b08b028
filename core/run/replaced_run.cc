#include "core/run/replaced_run.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "core/files/file_advice.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

const std::string kReplacing = ".replacing", kReplaced = ".replaced", kRemoving = ".removing";

bool is_there_at_all(const std::string& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() != fs::file_type::not_found;
}

void move_entry(const std::string& from, const std::string& to) {
  require<DataError>(!is_there_at_all(to), "[run] cannot move ", from, " to ", to,
                     ": something is there; move that to another place first");
  std::error_code error;
  fs::rename(from, to, error);
  require<DataError>(!error, "[run] cannot move ", from, " to ", to, ": ", error.message(),
                     file_advice(error.value(), to));
}

void make_here(const std::string& folder) {
  std::error_code error;
  fs::create_directory(folder, error);
  require<DataError>(!error, "[run] cannot make the folder ", folder, ": ", error.message(),
                     file_advice(error.value(), folder));
}

}  // namespace

ReplacedRun::ReplacedRun(const std::string& run, std::vector<std::string> entries)
    : run_(run),
      replacing_(run + "/" + kReplacing),
      replaced_(run + "/" + kReplaced),
      removing_(run + "/" + kRemoving),
      entries_(std::move(entries)) {
  entries_.push_back(kReplaced);  // of a run that was itself replacing another when its job was killed
}

const std::vector<std::string>& ReplacedRun::names() {
  static const std::vector<std::string> names = {kReplacing, kReplaced, kRemoving};
  return names;
}

bool ReplacedRun::is_there() const { return is_there_at_all(replaced_); }

bool ReplacedRun::moves_are_open() const { return is_there_at_all(replacing_) || is_there_at_all(removing_); }

bool ReplacedRun::settle_moves() const {
  remove(removing_);
  if (!is_there_at_all(replacing_)) return false;
  const bool came_back = move_all(replacing_, run_);
  std::error_code ignored;
  fs::remove(replacing_, ignored);  // removes it only if empty
  return came_back;
}

void ReplacedRun::set_aside() const {
  make_here(replacing_);
  try {
    move_all(run_, replacing_);
  } catch (const DataError&) {
    settle_moves();
    throw;
  }
  move_entry(replacing_, replaced_);
}

void ReplacedRun::put_back() const {
  remove(removing_);
  for (const std::string& entry : entries_)
    if (entry != kReplaced) clear(entry);
  move_entry(replaced_, replacing_);
  settle_moves();
}

// Removes the entry first, because a full disk may have no room for another folder. What is still there, because other
// ranks write into it, is moved away.
void ReplacedRun::clear(const std::string& entry) const {
  const std::string path = run_ + "/" + entry;
  remove(path);
  if (!is_there_at_all(path)) return;
  make_here(removing_);
  move_entry(path, removing_ + "/" + entry);
}

void ReplacedRun::discard() const {
  const int folder = ::open(run_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::syncfs(folder);
    ::close(folder);
  }
  remove(removing_);
  move_entry(replaced_, removing_);
  remove(removing_);
}

bool ReplacedRun::move_all(const std::string& from, const std::string& to) const {
  bool moved = false;
  for (const std::string& entry : entries_) {
    if (!is_there_at_all(from + "/" + entry)) continue;
    move_entry(from + "/" + entry, to + "/" + entry);
    moved = true;
  }
  return moved;
}

// The next job removes what cannot be removed now.
void ReplacedRun::remove(const std::string& path) const {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

}  // namespace polyscene::core
