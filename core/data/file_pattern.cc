#include "core/data/file_pattern.h"

#include <dirent.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "core/files/file_advice.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

std::vector<std::string> names_of(const std::string& pattern) {
  std::vector<std::string> names;
  for (size_t begin = 0; begin < pattern.size();) {
    const size_t end = std::min(pattern.find('/', begin), pattern.size());
    if (end > begin) names.push_back(pattern.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

// A missing path is no match. Any other error is thrown, since it would leave out rows in silence.
void check_looked(const std::string& path) {
  const int reason = errno;
  require<DataError>(reason != EMFILE && reason != ENFILE, "[data] cannot read \"", path, "\": ", std::strerror(reason),
                     file_advice(reason, path));
  require<DataError>(reason == ENOENT || reason == ENOTDIR, "[data] cannot read \"", path,
                     "\": ", std::strerror(reason),
                     ", and it may hold files of the data; make it readable, or leave it out of the patterns");
}

bool is_folder(const std::string& path, struct stat& info) {
  if (::stat(path.c_str(), &info) == 0) return S_ISDIR(info.st_mode);
  check_looked(path);
  return false;
}

std::vector<std::string> entries_of(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), ::closedir);
  std::vector<std::string> entries;
  if (open == nullptr) {
    check_looked(folder);
    return entries;
  }
  errno = 0;
  for (const dirent* entry = ::readdir(open.get()); entry != nullptr; entry = ::readdir(open.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") entries.push_back(name);
    errno = 0;
  }
  require<DataError>(errno == 0, "[data] cannot read the folder \"", folder, "\": ", std::strerror(errno));
  return entries;
}

class Walk {
 public:
  explicit Walk(const std::string& pattern) : names_(names_of(pattern)) {}

  std::vector<std::string> from(const std::string& folder) {
    visit(folder, 0);
    std::ranges::sort(paths_);
    const auto repeated = std::ranges::unique(paths_);  // a/**/**/b matches a path in several ways
    paths_.erase(repeated.begin(), repeated.end());
    return std::move(paths_);
  }

 private:
  // Matches of names_[at..] below a folder.
  void visit(const std::string& folder, size_t at) {
    const std::string& name = names_[at];
    if (name == "**") return visit_all(folder, at);
    if (!is_pattern(name)) return take(below(folder, name), at);
    for (const std::string& entry : entries_of(folder.empty() ? "." : folder))
      if (::fnmatch(name.c_str(), entry.c_str(), FNM_PERIOD) == 0) take(below(folder, entry), at);
  }

  // Visits the folder and all folders below it. A link back to one of its own parents is not followed.
  void visit_all(const std::string& folder, size_t at) {
    struct stat info {};
    if (!is_folder(folder.empty() ? "." : folder, info)) return;
    const std::pair<dev_t, ino_t> self(info.st_dev, info.st_ino);
    if (std::ranges::find(above_, self) != above_.end()) return;
    const bool last = at + 1 == names_.size();
    if (!last) visit(folder, at + 1);
    above_.push_back(self);
    for (const std::string& entry : entries_of(folder.empty() ? "." : folder)) {
      if (entry[0] == '.') continue;
      const std::string path = below(folder, entry);
      struct stat inner {};
      if (is_folder(path, inner)) {
        visit_all(path, at);
      } else if (last) {
        paths_.push_back(path);
      }
    }
    above_.pop_back();
  }

  // Takes a path that matches names_[..at].
  void take(const std::string& path, size_t at) {
    if (at + 1 < names_.size()) return visit(path, at + 1);
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0) {
      paths_.push_back(path);
    } else {
      check_looked(path);
    }
  }

  static std::string below(const std::string& folder, const std::string& name) {
    return folder.empty() || folder.ends_with('/') ? folder + name : folder + "/" + name;
  }

  std::vector<std::string> names_;
  std::vector<std::pair<dev_t, ino_t>> above_;
  std::vector<std::string> paths_;
};

}  // namespace

bool is_pattern(const std::string& text) { return text.find_first_of("*?[\\") != std::string::npos; }

std::vector<std::string> matching_paths(const std::string& root, const std::string& pattern) {
  if (names_of(pattern).empty()) return {};
  return Walk(pattern).from(pattern.starts_with('/') ? "/" : root);
}

}  // namespace polyscene::core
