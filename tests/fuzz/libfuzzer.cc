// A target as libFuzzer's: it brings a main of its own, finds what to change by the branches that inputs take, and
// stops at what is thrown.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "ops/base/error.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/target.h"

namespace {

namespace fs = std::filesystem;

// From before the first input to the end of the process.
struct Run {
  ~Run() { fs::remove_all(folder); }
  fs::path folder = fs::temp_directory_path() / ("polyscene_fuzz_" + std::to_string(::getpid()));
  std::unique_ptr<polyscene::testing::FuzzTarget> target;
} run;

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

// Adds the seeds to the first folder of inputs that is named.
extern "C" int LLVMFuzzerInitialize(const int* argc, char*** argv) {
  fs::create_directories(run.folder);
  run.target = polyscene::testing::POLYSCENE_FUZZ_TARGET(run.folder.string());
  for (int i = 1; i < *argc; ++i) {
    if (!fs::is_directory((*argv)[i])) continue;
    int number = 0;
    for (const std::string& seed : run.target->seeds())
      polyscene::testing::write_file(std::string((*argv)[i]) + "/seed-" + std::to_string(number++), seed);
    break;
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    run.target->read({data, data + size});
  } catch (const polyscene::Error&) {
  }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, most);
  if (seed % 4 == 0) return size;
  std::string bytes(data, data + size);
  run.target->repair(bytes);
  std::copy(bytes.begin(), bytes.end(), data);
  return size;
}
