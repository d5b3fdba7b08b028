#include "core/data/file_list.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "ops/base/error.h"

namespace polyscene {
namespace {

const auto& patterns_of(const config::Data& data, Split split) {
  return split == Split::kTrain ? data.train_files() : split == Split::kValid ? data.valid_files() : data.test_files();
}

// The root is a path, not a pattern.
std::string escaped(const std::string& root) {
  std::string text;
  for (const char c : root) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

std::string below_root(const std::string& root, const std::string& pattern) {
  if (root.empty() || pattern.starts_with('/')) return pattern;
  return escaped(root) + (root.ends_with('/') ? "" : "/") + pattern;
}

std::vector<std::string> matches(const std::string& pattern) {
  glob_t found{};
  const int status = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
  std::vector<std::string> paths;
  if (status == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  std::sort(paths.begin(), paths.end());  // glob's own order depends on the locale
  return paths;
}

// "; --split valid has some" where another split has files: who trains has no choice.
std::string another_split(const config::Data& data, Split split) {
  if (split == Split::kTrain) return "";
  for (const Split other : {Split::kValid, Split::kTest, Split::kTrain})
    if (other != split && !patterns_of(data, other).empty()) return str("; try --split ", split_name(other));
  return "";
}

bool is_pattern(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

}  // namespace

const char* split_name(Split split) {
  return split == Split::kTrain ? "train" : split == Split::kValid ? "valid" : "test";
}

void require_file(const std::string& path) {
  struct stat info {};
  require<DataError>(::stat(path.c_str(), &info) == 0, "[data] cannot open \"", path, "\": ", std::strerror(errno));
  require<DataError>(!S_ISDIR(info.st_mode), "[data] \"", path, "\" is a folder, wanted a Parquet file; write \"", path,
                     "/*.parquet\" in the configuration");
}

std::vector<std::string> list_files(const config::Data& data, Split split) {
  const auto& patterns = patterns_of(data, split);
  require(!patterns.empty(), "[data] wanted files of split ", split_name(split), ", but data.", split_name(split),
          "_files is empty", another_split(data, split));
  std::vector<std::string> files;
  std::map<std::string, std::string> pattern_of;
  for (const auto& pattern : patterns) {
    const auto found = matches(below_root(data.root(), pattern));
    require<DataError>(!found.empty(), "[data] ", is_pattern(pattern) ? "no file matches" : "no such file:", " \"",
                       pattern, "\" of data.", split_name(split), "_files in folder \"", data.root(),
                       "\"; check the pattern and data.root", another_split(data, split));
    for (const auto& path : found) {
      const auto [entry, fresh] = pattern_of.emplace(path, pattern);
      require(fresh, "[data] file \"", path, "\" is matched by two patterns of data.", split_name(split), "_files, \"",
              entry->second, "\" and \"", pattern, "\"; its rows would count twice");
      require_file(path);
      files.push_back(path);
    }
  }
  return files;
}

}  // namespace polyscene
