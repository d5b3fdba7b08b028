#include "core/data/absent_columns.h"

#include <algorithm>

#include "core/data/file_list.h"
#include "core/data/parquet_file.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

bool among(const std::vector<std::string>& all, const std::string& one) {
  return std::ranges::find(all, one) != all.end();
}

}  // namespace

std::vector<std::string> absent_columns(const config::Data& data, Split split, std::vector<std::string> columns) {
  const std::vector<std::string> files = list_files(data, split);
  std::vector<std::string> there = ParquetFile(files.at(0)).columns();
  std::erase_if(columns, [&](const std::string& column) { return among(there, column); });
  for (size_t i = 1; i < files.size() && !columns.empty(); ++i) {
    there = ParquetFile(files[i]).columns();
    for (const std::string& column : columns)
      require<DataError>(!among(there, column), "[data] \"", files[0], "\" has no column \"", column, "\", \"",
                         files[i], "\" has it; write it to all files or to none");
  }
  return columns;
}

void leave_out_absent_labels(config::Data& data, Split split) {
  std::vector<std::string> columns;
  for (const auto& label : data.label()) columns.push_back(column_of(label, label.name()));
  const std::vector<std::string> absent = absent_columns(data, split, columns);
  auto& labels = *data.mutable_label();
  labels.erase(std::remove_if(labels.begin(), labels.end(),
                              [&](const auto& label) { return among(absent, column_of(label, label.name())); }),
               labels.end());
}

}  // namespace polyscene::core
