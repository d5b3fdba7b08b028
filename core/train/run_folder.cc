#include "core/train/run_folder.h"

#include <filesystem>

#include "ops/base/error.h"

namespace polyscene {
namespace fs = std::filesystem;

void RunFolder::create(bool overwrite) const {
  std::error_code error;
  const bool holds_run = fs::exists(config(), error);
  require(!holds_run || overwrite, "[train] wanted a new folder for --output, ", path_,
          " already holds a run; choose another folder or pass --overwrite");
  require(holds_run || !fs::is_directory(path_, error) || fs::is_empty(path_, error), "[train] wanted a new folder for ",
          "--output, ", path_, " holds other files; choose another folder");
  for (const std::string& part : {config(), metrics(), events(), model(), path_ + "/rejects"}) fs::remove_all(part, error);
  for (const std::string& folder : {path_, events(), model() + "/tables", path_ + "/rejects"}) {
    fs::create_directories(folder, error);
    require<DataError>(!error, "[train] cannot make the folder ", folder, ": ", error.message(),
                       "; choose a writable place for --output");
  }
}

void RunFolder::require_model() const {
  std::error_code error;
  require(fs::exists(model() + "/dense.safetensors", error), "[launcher] wanted the folder of a finished run, ", path_,
          " holds no model/dense.safetensors; pass the folder that `polyscene train --output` wrote");
}

std::string RunFolder::rejects(const std::string& split, int rank) const {
  return str(path_, "/rejects/", split, "-rank", rank, ".jsonl");
}

}  // namespace polyscene
