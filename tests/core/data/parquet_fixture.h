// Small Parquet files written by the tests, and configurations that read them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/data/batch_source.h"

namespace polyscene::core::test {

// A folder of its own, removed at the end.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// type: as Arrow names it ("int64", "string", "list<float>", "dictionary<string>", ...); json: the column's values.
struct TestColumn {
  std::string name, type, json;
};

void write_parquet(const std::string& path, const std::vector<TestColumn>& columns, int64_t row_group_rows = 1 << 20);

// "[f(0),f(1),...]"
[[nodiscard]] std::string json_list(int64_t size, const std::function<std::string(int64_t)>& value);

// A Data message from text, with `root` and every *.parquet below it as training files.
[[nodiscard]] config::Data data_config(const TempFolder& folder, const std::string& text);

// All batches of an epoch.
[[nodiscard]] std::vector<Batch> read_epoch(BatchSource& source, int64_t epoch = 0);

// Every row of the training files in one batch, in file order.
[[nodiscard]] Batch read_all(const config::Data& data);

// The message of the Error of type E that `body` throws; a note in its place when nothing was thrown.
template <class E>
[[nodiscard]] std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const E& e) {
    return e.what();
  }
  return "(nothing was thrown)";
}

}  // namespace polyscene::core::test
