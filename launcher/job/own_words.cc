#include "launcher/job/own_words.h"

#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>

#include "ops/base/error.h"

namespace polyscene {
namespace {

[[noreturn]] void throw_no_memory(const std::exception& error) {
  throw DeviceError(str(
      "[launcher] wanted more memory than this host gives (", error.what(),
      "); try a smaller train.batch_size, data.shuffle_window or data.prefetch, fewer local ranks, or ", "more hosts"));
}

}  // namespace

void in_own_words(const std::function<void()>& body) {
  try {
    body();
  } catch (const std::bad_alloc& error) {
    throw_no_memory(error);
  } catch (const std::length_error& error) {
    throw_no_memory(error);
  } catch (const std::filesystem::filesystem_error& error) {
    const std::string path = error.path1().empty() ? "the current folder" : error.path1().string();
    throw DataError(str("[launcher] cannot use ", path, ": ", error.code().message(),
                        "; check that it exists, that you may read and write it, and that its disk has space"));
  } catch (const std::system_error& error) {
    throw DeviceError(str("[launcher] wanted another thread or handle of the system: ", error.code().message(),
                          "; try fewer --threads, data.threads or local ranks, or raise ulimit -u and -n"));
  }
}

}  // namespace polyscene
