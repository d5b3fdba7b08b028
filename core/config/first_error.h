// Keeps only the first error of a TextFormat parser, since the others follow from it.
#pragma once

#include <google/protobuf/io/tokenizer.h>

#include <optional>
#include <string>

namespace polyscene::core::config_text {

struct FirstError : google::protobuf::io::ErrorCollector {
  struct Report {
    int line, column;  // from 1
    std::string message;
  };
  std::optional<Report> report;

  void AddError(int line, int column, const std::string& message) override {
    if (!report) report = Report{line + 1, column + 1, message};
  }
};

}  // namespace polyscene::core::config_text
