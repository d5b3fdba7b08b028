#include "launcher/job/translate_errors.h"

#include <cerrno>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>

#include "core/config/advice.h"
#include "core/files/file_advice.h"
#include "ops/base/error.h"

namespace polyscene::launcher {
namespace {

[[noreturn]] void throw_no_memory(const std::exception& error) {
  throw DeviceError(str("[launcher] wanted more memory than this host has (", error.what(),
                        "); try a smaller train.batch_size, data.shuffle_window, data.prefetch or max_rows of a table, "
                        "fewer local ranks, ",
                        "or more hosts"));
}

std::string what_to_try(const std::error_code& code, const std::string& path) {
  if (code.value() == EMFILE || code.value() == ENFILE || code.value() == ENOSPC || code.value() == EDQUOT)
    return core::file_advice(code.value(), path);
  return "; check that it exists, that you may read and write it, and that its disk has space";
}

}  // namespace

void translate_errors(const std::function<void()>& body) {
  try {
    core::with_advice(body);
  } catch (const std::bad_alloc& error) {
    throw_no_memory(error);
  } catch (const std::length_error& error) {
    throw_no_memory(error);
  } catch (const std::filesystem::filesystem_error& error) {
    const std::string path = error.path1().empty() ? "the current folder" : error.path1().string();
    throw DataError(str("[launcher] cannot use ", path, ": ", error.code().message(), what_to_try(error.code(), path)));
  } catch (const std::system_error& error) {
    throw DeviceError(str("[launcher] wanted another thread or file handle: ", error.code().message(),
                          "; try fewer --threads, data.threads or local ranks, or raise ulimit -u and -n"));
  }
}

}  // namespace polyscene::launcher
