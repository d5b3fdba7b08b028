#include "core/files/file_advice.h"

#include <cerrno>
#include <filesystem>

#include "ops/base/error.h"

namespace polyscene::core {
namespace {

namespace fs = std::filesystem;

std::string no_such_entry(const std::string& path) {
  std::error_code ignored;
  const fs::path folder = fs::path(path).parent_path();
  return folder.empty() || fs::is_directory(folder, ignored)
             ? "; choose another place"
             : str("; there is no folder ", folder.string(), ": make it first, or choose another place");
}

}  // namespace

std::string file_advice(int error, const std::string& path) {
  switch (error) {
    case ENOSPC:
      return "; the disk is full: free space or choose another place";
    case EDQUOT:
      return "; your quota is used up: free space or choose another place";
    case EFBIG:
      return "; files of this size are forbidden here: raise ulimit -f or choose another place";
    case ENOENT:
      return no_such_entry(path);
    case EACCES:
    case EPERM:
    case EROFS:
      return "; choose a place that you may write to";
    case EMFILE:
    case ENFILE:
      return "; raise ulimit -n, or try fewer data.threads or local ranks";
    default:
      return "; choose another place";
  }
}

void throw_file_error(int error, const std::string& path, const std::string& message) {
  if (error == ENOSPC || error == EDQUOT) throw NoSpace(message + file_advice(error, path));
  throw DataError(message + file_advice(error, path));
}

}  // namespace polyscene::core
