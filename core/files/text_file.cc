#include "core/files/text_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "core/files/file_advice.h"
#include "ops/base/error.h"

namespace polyscene::core {

void write_text_file(const std::string& path, const std::string& text) {
  const std::string partial = path + ".partial";
  std::ofstream out(partial, std::ios::trunc);
  out << text;
  out.close();
  const bool written = out && std::rename(partial.c_str(), path.c_str()) == 0;
  const int error = errno;
  if (!written) std::remove(partial.c_str());
  if (!written)
    throw_file_error(error, path,
                     str("[files] cannot write ", text.size(), " bytes to ", path, ": ", std::strerror(error)));
}

}  // namespace polyscene::core
