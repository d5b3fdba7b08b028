#include "core/data/split_files.h"

#include <utility>

#include "core/data/carrier.h"
#include "core/data/parquet_file.h"

namespace polyscene::core {
namespace {

// The metadata of this many column chunks is kept (about 0.5 KB each). The footers of further files are read again when
// their row groups are read.
constexpr int64_t kKeptChunks = 200'000;

}  // namespace

SplitFiles open_split(const config::Data& data, Split split, const std::vector<ColumnRequest>& requests, IdKinds ids,
                      Carrier* carrier) {
  SplitFiles out;
  int64_t chunks = 0;
  for (const auto& path : list_files(data, split)) {
    const ParquetFile file(path);
    SplitFile entry{.path = path, .metadata = nullptr, .rows = 0, .size_bytes = file.size_bytes()};
    if (chunks + file.column_chunks() <= kKeptChunks) {
      chunks += file.column_chunks();
      entry.metadata = file.metadata();
    }
    for (size_t i = 0; i < file.row_group_rows().size(); ++i) {
      const int64_t rows = file.row_group_rows()[i];
      out.units.push_back({.file = static_cast<int>(out.files.size()),
                           .row_group = static_cast<int>(i),
                           .rows = rows,
                           .first_in_file = entry.rows,
                           .first_in_split = out.rows});
      entry.rows += rows;
      out.rows += rows;
    }
    if (entry.rows > 0) {
      file.check(requests, ids);
      if (carrier != nullptr) carrier->see(file);
    }
    out.files.push_back(std::move(entry));
  }
  out.ids = std::move(ids);
  return out;
}

}  // namespace polyscene::core
