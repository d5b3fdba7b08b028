// A folder for one test, and whole files as strings.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace polyscene {

class ReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("polyscene_report_" + std::to_string(getpid()) + "_" +
                                                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] static std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  // The message of the E that `f` throws; "no error" without one.
  template <class E, class F>
  [[nodiscard]] static std::string error_of(const F& f) {
    try {
      f();
    } catch (const E& e) {
      return e.what();
    }
    return "no error";
  }

  std::filesystem::path folder_;
};

}  // namespace polyscene
