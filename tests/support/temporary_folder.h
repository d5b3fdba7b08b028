// A folder for one test, whose files are written and read as strings by their names in it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace polyscene::testing {

class FolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::canonical(std::filesystem::temp_directory_path()) /
              ("polyscene_test_" + std::to_string(getpid()) + "_" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  // Makes the folders above it.
  void write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  // All files below a folder, by name, but "lock".
  [[nodiscard]] std::map<std::string, std::string> files(const std::string& name) const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / name))
      if (entry.is_regular_file() && entry.path().filename() != "lock") {
        const std::string file = entry.path().lexically_relative(folder_ / name).string();
        all[file] = read(name + "/" + file);
      }
    return all;
  }

  // The message of the E that `f` throws, with the names of files as they are in the folder; "no error" without one.
  template <class E, class F>
  [[nodiscard]] std::string error_of(const F& f) const {
    try {
      f();
    } catch (const E& e) {
      std::string text = e.what();
      const std::string prefix = folder_.string() + "/";
      for (size_t at; (at = text.find(prefix)) != std::string::npos;) text.erase(at, prefix.size());
      return text;
    }
    return "no error";
  }

  std::filesystem::path folder_;
};

}  // namespace polyscene::testing
