#include "core/data/reject_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "ops/base/error.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

const std::string kEnding = ".jsonl";

bool is_rank(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

bool is_named(const std::string& name, const std::string& split) {
  const size_t rank = name.rfind("-rank");
  if (rank == std::string::npos || !name.ends_with(kEnding)) return false;
  const size_t number = rank + 5;
  return (split.empty() || name.substr(0, rank) == split) &&
         is_rank(name.substr(number, name.size() - kEnding.size() - number));
}

}  // namespace

std::string reject_file(const std::string& folder, const std::string& split, int rank) {
  return str(folder, "/", split, "-rank", rank, kEnding);
}

std::vector<std::string> reject_files(const std::string& folder, const std::string& split) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator file(folder, error); !error && file != fs::directory_iterator(); file.increment(error))
    if (is_named(file->path().filename().string(), split)) files.push_back(file->path().string());
  std::ranges::sort(files);
  return files;
}

bool is_reject_file(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(path, error))) return false;
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!std::getline(file, line)) return file.eof();
  return line.starts_with("{\"file\": ") || line.starts_with("{\"left_out\": ");
}

}  // namespace polyscene::core
