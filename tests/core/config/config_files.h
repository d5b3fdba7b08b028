// A folder of configuration files for one test, and the text of what the loader says about them.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/config/load.h"
#include "ops/base/error.h"

namespace polyscene::core {

// The least that passes all checks: LR asks for no scenario, sequence or role.
inline const std::string kLeast = R"(data { feature { name: "user" categorical {} } label { name: "click" } }
model { lr {} }
)";

// As kLeast, with every kind of feature, for checks that need one.
inline const std::string kRich = R"(data {
  feature { name: "user" categorical {} role: USER }
  feature { name: "tab" categorical {} role: SCENARIO }
  feature { name: "tags" bag {} }
  feature { name: "age" number {} }
  feature { name: "history" sequence { side { column: "h" table: "user" target: "user" } } }
  label { name: "click" }
  scenario_column: "tab"
  train_files: "t.parquet"
  valid_files: "v.parquet"
}
model { sfpnet {} }
)";

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("polyscene_config_" + std::to_string(getpid()) + "_" +
                                                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Absolute path of the written file.
  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }

  config::Experiment load(const std::string& text, const std::vector<std::string>& overrides = {}) const {
    return load_experiment(write("x.pbtxt", text), overrides);
  }

  // The message of the error that loading throws, with the folder's name cut out; "no error" without one.
  std::string error_of(const std::string& text, const std::vector<std::string>& overrides = {}) const {
    return error_of_file(write("x.pbtxt", text), overrides);
  }
  std::string error_of_file(const std::string& path, const std::vector<std::string>& overrides = {}) const {
    try {
      (void)load_experiment(path, overrides);
    } catch (const InvalidArgument& e) {
      return without_folder(e.what());
    }
    return "no error";
  }

  std::string without_folder(std::string text) const {
    const std::string prefix = folder_.string() + "/";
    for (size_t at; (at = text.find(prefix)) != std::string::npos;) text.erase(at, prefix.size());
    return text;
  }

  std::filesystem::path folder_;
};

}  // namespace polyscene::core
