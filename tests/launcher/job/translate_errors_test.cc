#include "launcher/job/translate_errors.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <new>
#include <system_error>
#include <vector>

#include "ops/base/caused_error.h"

namespace polyscene::launcher {
namespace {

template <class E>
std::string message_of(const std::function<void()>& body) {
  try {
    translate_errors(body);
  } catch (const E& error) {
    return error.what();
  }
  return "(nothing was thrown)";
}

TEST(TranslateErrors, Memory) {
  const auto wanted = [](const std::string& what) {
    return "[launcher] wanted more memory than this host has (" + what +
           "); try a smaller train.batch_size, data.shuffle_window, data.prefetch or max_rows of a table, fewer local "
           "ranks, or more hosts";
  };
  EXPECT_EQ(message_of<DeviceError>([] { throw std::bad_alloc(); }), wanted("std::bad_alloc"));
  std::vector<char> bytes;
  EXPECT_EQ(message_of<DeviceError>([&] { bytes.resize(bytes.max_size() + 1); }), wanted("vector::_M_default_append"));
}

TEST(TranslateErrors, Files) {
  const std::string what_to_try = "; check that it exists, that you may read and write it, and that its disk has space";
  EXPECT_EQ(message_of<DataError>([] { (void)std::filesystem::file_size("/no/file"); }),
            "[launcher] cannot use /no/file: No such file or directory" + what_to_try);
  const auto no_path = [] {
    throw std::filesystem::filesystem_error("current_path", std::make_error_code(std::errc::no_such_file_or_directory));
  };
  EXPECT_EQ(message_of<DataError>(no_path),
            "[launcher] cannot use the current folder: No such file or directory" + what_to_try);
}

TEST(TranslateErrors, WhatToTryFitsTheReason) {
  const auto fails_with = [](std::errc reason) {
    return message_of<DataError>(
        [&] { throw std::filesystem::filesystem_error("x", "/a", std::make_error_code(reason)); });
  };
  EXPECT_EQ(fails_with(std::errc::too_many_files_open),
            "[launcher] cannot use /a: Too many open files; raise ulimit -n, or try fewer data.threads or local ranks");
  EXPECT_EQ(fails_with(std::errc::no_space_on_device),
            "[launcher] cannot use /a: No space left on device; the disk is full: free space or choose another place");
}

TEST(TranslateErrors, Threads) {
  const auto refuse = [] { throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again)); };
  EXPECT_EQ(message_of<DeviceError>(refuse),
            "[launcher] wanted another thread or file handle: Resource temporarily unavailable; try fewer "
            "--threads, data.threads or local ranks, or raise ulimit -u and -n");
}

TEST(TranslateErrors, ErrorsOfTheLayersBelowNameTheSettings) {
  EXPECT_EQ(message_of<DeviceError>([] { throw DeviceMemoryShortage("full; try a smaller batch"); }),
            "full; try a smaller batch; settings: train.batch_size, embedding.memory: HOST");
}

TEST(TranslateErrors, OursAndOthersPass) {
  EXPECT_EQ(message_of<InvalidArgument>([] { throw InvalidArgument("ours"); }), "ours");
  EXPECT_EQ(message_of<std::runtime_error>([] { throw std::runtime_error("another's"); }), "another's");
}

}  // namespace
}  // namespace polyscene::launcher
