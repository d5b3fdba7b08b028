#include "core/data/file_list.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <tuple>

#include "core/data/file_pattern.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

const auto& patterns_of(const config::Data& data, Split split) {
  return split == Split::kTrain ? data.train_files() : split == Split::kValid ? data.valid_files() : data.test_files();
}

// Identity of a file, whatever links lead to it. Some file systems invent inode numbers, so size and time are compared
// too.
using SeenFile = std::tuple<dev_t, ino_t, off_t, time_t, int64_t>;

SeenFile seen_file(const struct stat& info) {
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

SeenFile check_file(const std::string& path) {
  struct stat info {};
  const int reason = ::stat(path.c_str(), &info) == 0 ? 0 : errno;
  require<DataError>(reason == 0, "[data] cannot open \"", path, "\": ", std::strerror(reason));
  require<DataError>(!S_ISDIR(info.st_mode), "[data] \"", path, "\" is a folder, wanted a Parquet file; write \"", path,
                     "/*.parquet\" in the configuration");
  require<DataError>(S_ISREG(info.st_mode), "[data] \"", path,
                     "\" is a pipe, a socket or a device, wanted a Parquet file; copy what it gives to a file");
  return seen_file(info);
}

struct Match {
  std::string path, pattern;
};
using Matches = std::map<SeenFile, Match>;

// "; --split valid has some" if another split has files; "" for the training split, which nothing can replace.
std::string another_split(const config::Data& data, Split split) {
  if (split == Split::kTrain) return "";
  for (const Split other : {Split::kValid, Split::kTest, Split::kTrain})
    if (other != split && !patterns_of(data, other).empty()) return str("; try --split ", split_name(other));
  return "";
}

// Adds the matches of a pattern to the split's files and to `seen`.
void add_matches(const config::Data& data, Split split, const std::string& pattern, std::vector<std::string>& files,
                 Matches& seen) {
  const auto found = matching_paths(data.root(), pattern);
  require<DataError>(!found.empty(), "[data] ", is_pattern(pattern) ? "no file matches" : "no such file:", " \"",
                     pattern, "\" of data.", split_name(split), "_files in folder \"", data.root(),
                     "\"; check the pattern and data.root", another_split(data, split));
  for (const auto& path : found) {
    const auto [entry, fresh] = seen.try_emplace(check_file(path), Match{path, pattern});
    const Match& first = entry->second;
    require(fresh || first.path != path, "[data] file \"", path, "\" is matched by two patterns of data.",
            split_name(split), "_files, \"", first.pattern, "\" and \"", pattern, "\"; its rows would count twice");
    require(fresh, "[data] \"", first.path, "\" and \"", path, "\" of data.", split_name(split),
            "_files are the same file, through a link; its rows would count twice: leave one out of the patterns");
    files.push_back(path);
  }
}

Matches matches_of(const config::Data& data, Split split) {
  Matches seen;
  std::vector<std::string> files;
  try {
    for (const auto& pattern : patterns_of(data, split)) add_matches(data, split, pattern, files, seen);
  } catch (const Error&) {
    // The error is reported when this split is read.
  }
  return seen;
}

}  // namespace

const char* split_name(Split split) {
  return split == Split::kTrain ? "train" : split == Split::kValid ? "valid" : "test";
}

std::vector<std::string> list_files(const config::Data& data, Split split) {
  const auto& patterns = patterns_of(data, split);
  require(!patterns.empty(), "[data] wanted files of split ", split_name(split), ", but data.", split_name(split),
          "_files is empty", another_split(data, split));
  std::vector<std::string> files;
  Matches seen;
  for (const auto& pattern : patterns) add_matches(data, split, pattern, files, seen);
  return files;
}

bool has_files(const config::Data& data, Split split) {
  if (patterns_of(data, split).empty()) return false;
  try {
    return !list_files(data, split).empty();
  } catch (const Error&) {
    return false;
  }
}

void require_apart(const config::Data& data) {
  const Matches trained = matches_of(data, Split::kTrain);
  for (const Split split : {Split::kValid, Split::kTest}) {
    for (const auto& [identity, match] : matches_of(data, split)) {
      const auto found = trained.find(identity);
      if (found == trained.end()) continue;
      const std::string& path = found->second.path;
      require(false, "[data] file \"", path, "\" is in data.train_files, by \"", found->second.pattern,
              "\", and in data.", split_name(split), "_files, by \"", match.pattern, "\"",
              path == match.path ? "" : str(" as \"", match.path, "\""),
              "; metrics of training rows are meaningless: leave it out of one of them");
    }
  }
}

}  // namespace polyscene::core
