// The opened files of a split, with their row groups and rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/data/file_list.h"
#include "core/features/column_request.h"
#include "core/features/id_kinds.h"

namespace parquet {
class FileMetaData;
}

namespace polyscene::core {

class Carrier;

class Carrier;

// A row group.
struct Unit {
  int file = 0, row_group = 0;
  int64_t rows = 0;
  int64_t first_in_file = 0, first_in_split = 0;  // number of its first row
};

struct SplitFile {
  std::string path;
  std::shared_ptr<parquet::FileMetaData> metadata;  // null: the reader reads it again
  int64_t rows = 0, size_bytes = 0;
};

struct SplitFiles {
  std::vector<SplitFile> files;
  std::vector<Unit> units;
  int64_t rows = 0;
  IdKinds ids;  // kinds of the ids in the files
};

// Opens every file of the split, checks columns, types and that id kinds agree with each other and with `ids`, and
// lists the row groups. Calls carrier->see() for every file. Files without rows are neither checked nor passed to the
// carrier. Throws DataError.
[[nodiscard]] SplitFiles open_split(const config::Data& data, Split split, const std::vector<ColumnRequest>& requests,
                                    IdKinds ids, Carrier* carrier = nullptr);

}  // namespace polyscene::core
