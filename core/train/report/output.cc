#include "core/train/report/output.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "ops/base/error.h"

namespace polyscene {

std::ofstream create_output(const std::string& path, bool append) {
  std::error_code ignored;  // the file's own error tells more
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  errno = 0;
  std::ofstream out(path, std::ios::binary | (append ? std::ios::app : std::ios::trunc));
  require<DataError>(out.is_open(), "[report] cannot create ", path, ": ", std::strerror(errno),
                     "; choose another --output");
  return out;
}

void flush_output(std::ofstream& out, const std::string& path) {
  errno = 0;
  out.flush();
  require<DataError>(out.good(), "[report] cannot write to ", path, ": ",
                     errno ? std::strerror(errno) : "an earlier write failed",
                     "; free space or choose another --output");
}

}  // namespace polyscene
