#include "core/train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "ops/base/error.h"

namespace polyscene {
namespace fs = std::filesystem;

namespace {

// Without "." parts and without the slash that a shell's completion leaves at the end.
std::string tidy(const std::string& path) {
  std::string tidied = fs::path(path).lexically_normal().string();
  while (tidied.size() > 1 && tidied.back() == '/') tidied.pop_back();
  return tidied;
}

}  // namespace

std::string reject_file(const std::string& folder, const std::string& split, int rank) {
  return str(folder, "/", split, "-rank", rank, ".jsonl");
}

RunFolder::RunFolder(const std::string& path) : path_(tidy(path)) {
  require(!path.empty(),
          "[train] wanted the folder of a run, got an empty name; is a variable on the command line unset?");
}

// A run that failed before its first step leaves no configuration and counts as none.
std::shared_ptr<void> RunFolder::create(bool overwrite) const {
  std::error_code error;
  const bool holds_run = fs::exists(config(), error) || fs::exists(model() + "/dense.safetensors", error) ||
                         (fs::exists(checkpoints(), error) && !fs::is_empty(checkpoints(), error));
  require(!holds_run || overwrite, "[train] wanted a new folder for --output, ", path_,
          " already holds a run; choose another folder or pass --overwrite");
  const std::vector<std::string> ours = {config(),     metrics(), events(),     model(), model() + ".partial",
                                         best_model(), rejects(), checkpoints(), models(), earlier_best_model()};
  if (fs::is_directory(path_, error))
    for (const auto& entry : fs::directory_iterator(path_, error))
      require(entry.path().string() == lock_file() || std::ranges::find(ours, entry.path().string()) != ours.end(),
              "[train] wanted a new folder for --output, ", path_, " holds other files (",
              entry.path().filename().string(), "); choose another folder");
  // Before anything of it is removed: a job may be writing there.
  std::shared_ptr<void> lock = fs::is_directory(path_, error) ? this->lock() : nullptr;
  for (const std::string& part : ours) fs::remove_all(part, error);
  make_folders();
  return lock ? lock : this->lock();
}

std::shared_ptr<void> RunFolder::reopen() const {
  std::shared_ptr<void> lock = this->lock();
  make_folders();
  return lock;
}

void RunFolder::make_folders() const {
  std::error_code error;
  for (const std::string& folder : {path_, events(), rejects()}) {
    fs::create_directories(folder, error);
    require<DataError>(!error, "[train] cannot make the folder ", folder, ": ", error.message(),
                       "; choose a writable place for --output");
  }
}

// The system releases it with the process, however that ends.
std::shared_ptr<void> RunFolder::lock() const {
  const int file = ::open(lock_file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  require<DataError>(file >= 0, "[train] cannot open ", lock_file(), ": ", std::strerror(errno),
                     "; choose an --output that you may write to");
  const std::shared_ptr<int> owner(new int(file), [](int* locked) {
    ::close(*locked);
    delete locked;
  });
  std::array<char, 300> text{};
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (::pread(file, text.data(), text.size() - 1, 0) < 0) text[0] = 0;
    throw InvalidArgument(str("[train] another job (", text.data(), ") writes ", path_,
                              "; choose another folder, or wait until it ends"));
  }
  std::array<char, 200> host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::string mine = str("process ", ::getpid(), " on ", host.data());
  const bool written = ::ftruncate(file, 0) == 0 && ::pwrite(file, mine.data(), mine.size(), 0) >= 0;
  require<DataError>(written, "[train] cannot write ", lock_file(), ": ", std::strerror(errno), "; free space");
  return owner;
}

}  // namespace polyscene
