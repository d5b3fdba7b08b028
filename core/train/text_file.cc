#include "core/train/text_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "ops/base/error.h"

namespace polyscene {

void write_text_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::trunc);
  out << text;
  out.close();
  require<DataError>(static_cast<bool>(out), "[train] cannot write ", text.size(), " bytes to ", path, ": ",
                     std::strerror(errno), "; free space or choose another --output");
}

}  // namespace polyscene
