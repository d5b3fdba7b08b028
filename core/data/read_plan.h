// Everything about a split that does not change while it is read. Built once, shared by all threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/data/batch_source.h"
#include "core/data/carrier.h"
#include "core/data/column_request.h"
#include "core/data/decoder.h"
#include "core/data/global_order.h"

namespace parquet {
class FileMetaData;
}

namespace polyscene {

// A row group.
struct Unit {
  int file = 0, row_group = 0;
  int64_t rows = 0;
  int64_t first_in_file = 0, first_in_split = 0;  // running number of its first row
};

struct SplitFile {
  std::string path;
  std::shared_ptr<parquet::FileMetaData> metadata;  // null: read again when the file is opened
  int64_t rows = 0, size_bytes = 0;
};

struct SplitFiles {
  std::vector<SplitFile> files;
  std::vector<Unit> units;
  int64_t rows = 0;
};

// Opens every file of the split, checks columns and types, and lists the row groups. Throws DataError.
// The carrier, if any, sees every file.
[[nodiscard]] SplitFiles open_split(const config::Data& data, Split split, const std::vector<ColumnRequest>& requests,
                                    Carrier* carrier = nullptr);

struct ReadPlan {
  // Throws InvalidArgument for impossible options, DataError for files.
  ReadPlan(const config::Data& data, const SourceOptions& options);

  // Whether rows with this key in the scenario column are used. Null is not for data.only_scenarios to judge: it is
  // bad.
  [[nodiscard]] bool keeps(int64_t scenario) const {
    return scenarios.empty() || scenario == kMissingKey || scenarios.contains(scenario);
  }

  config::Data data;
  SourceOptions options;
  FeatureSchema schema;
  ColumnSet columns;
  RowDecoder decoder;
  Carrier carrier;
  SplitFiles split;
  GlobalOrder order;
  int first_lane, last_lane;              // lanes of this rank: [first_lane, last_lane)
  std::unordered_set<int64_t> scenarios;  // keys of data.only_scenarios
};

}  // namespace polyscene
