// The interface that delivers batches. A global batch follows from the global sample order, which depends on seed,
// epoch and files but not on the number of ranks: rank r of n gets its slice of each global batch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/data/carried_columns.h"
#include "core/data/split_files.h"
#include "core/features/batch.h"
#include "core/features/feature_schema.h"
#include "core/features/id_kinds.h"

namespace arrow {
class Schema;
}

namespace polyscene::core {

struct SourceOptions {
  Split split = Split::kTrain;
  int rank = 0, ranks = 1;
  uint64_t seed = 1;
  int64_t batch_size = 1024;     // of all ranks together
  bool shuffle = true;           // false: file order
  double min_tail_share = 0.5;   // a last batch smaller than this share of batch_size is dropped; 0 keeps every row
  std::string named = {};        // the user's name for files that are no split, e.g. "--input part.parquet"
  std::string reject_file = {};  // JSON lines of bad records: file, row, column, reason, value; empty: only counted
  bool rejects_needed = true;    // false: a failed write to the reject file is a warning, and reading continues
  std::vector<CarriedColumn> carry = {};  // the columns of Batch::carried
  // Id kinds of another split that is read too; nullptr: those of data.id_kind. Read only while the source is made.
  const IdKinds* ids = nullptr;
};

struct SourceCounters {
  int64_t rows_read = 0, rows_bad = 0, rows_dropped_tail = 0, sequences_cut = 0, bags_cut = 0;
  int64_t rows_skipped = 0;   // rows whose scenario is not in data.only_scenarios; not part of rows_read
  int64_t rows_unlisted = 0;  // bad rows that the reject file does not list; 0 without a reject file
};

class BatchSource {
 public:
  virtual ~BatchSource() = default;

  // Rows of the split, of all ranks together, from the files' metadata.
  [[nodiscard]] virtual int64_t total_rows() const = 0;
  // The files that the source reads.
  [[nodiscard]] virtual const SplitFiles& files() const = 0;
  // Global batches per epoch.
  [[nodiscard]] virtual int64_t steps_per_epoch() const = 0;
  // Starts (or restarts) an epoch. From then on reading, decoding and batching run in background threads.
  virtual void start_epoch(int64_t epoch) = 0;
  // Starts an epoch at global batch `step`, 0 <= step <= steps_per_epoch(). The batches are those that an uninterrupted
  // run gets from there on. The Parquet reader skips earlier row groups without reading them.
  virtual void resume_epoch(int64_t epoch, int64_t step) = 0;
  // The next batch, or nothing at the end of the epoch. Every rank gets the same number of batches. A bad or skipped
  // record makes its batch shorter and moves no other row. core/data/README.md lists when it throws DataError.
  [[nodiscard]] virtual std::optional<Batch> next() = 0;
  // Counters of this rank for the current epoch. With the epoch's last batch the dropped tail is added, and the share
  // of bad records of an epoch that is too short to be judged earlier is checked.
  [[nodiscard]] virtual SourceCounters counters() const = 0;
  // Schema of Batch::carried.
  [[nodiscard]] virtual std::shared_ptr<arrow::Schema> carried_schema() const = 0;
};

// Makes a source that reads the Parquet files of a split. Before it returns, it opens the metadata of all files and
// checks columns and types; rank 0 also reads the scenario column until all values of data.only_scenarios were found.
[[nodiscard]] std::unique_ptr<BatchSource> make_parquet_source(const config::Data& data, const SourceOptions& options);

}  // namespace polyscene::core
