// Where batches come from. The global batch is a function of the global sample order, which is a function of seed,
// epoch and files, not of the number of ranks: rank r of n gets its slice of it.
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

namespace polyscene {

struct SourceOptions {
  Split split = Split::kTrain;
  int rank = 0, ranks = 1;
  uint64_t seed = 1;
  int64_t batch_size = 1024;     // of all ranks together
  bool shuffle = true;           // false: file order
  double min_tail_share = 0.5;   // a last batch smaller than this share of batch_size is dropped; 0 keeps every row
  std::string named = {};        // what the user called the files where that is no split, e.g. "--input part.parquet"
  std::string reject_file = {};  // JSON lines of bad records: file, row, column, reason, value; empty: counted only
  bool rejects_needed = true;    // false: where the reject file takes no more, a warning says so, and reading goes on
  std::vector<CarriedColumn> carry = {};  // what Batch::carried holds
  // What ids are in another split that is read too; nullptr: what data.id_kind says. Used while the source is made.
  const IdKinds* ids = nullptr;
};

struct SourceCounters {
  int64_t rows_read = 0, rows_bad = 0, rows_dropped_tail = 0, sequences_cut = 0, bags_cut = 0;
  int64_t rows_skipped = 0;   // of other scenarios than data.only_scenarios; not among those read
  int64_t rows_unlisted = 0;  // of the bad ones, where there is a reject file
};

class BatchSource {
 public:
  virtual ~BatchSource() = default;

  // Rows of the split over all ranks, from the files' metadata.
  [[nodiscard]] virtual int64_t total_rows() const = 0;
  // What it reads.
  [[nodiscard]] virtual const SplitFiles& files() const = 0;
  // Global batches per epoch.
  [[nodiscard]] virtual int64_t steps_per_epoch() const = 0;
  // Starts (or restarts) an epoch; reading, decoding and batching run in the background from here on.
  virtual void start_epoch(int64_t epoch) = 0;
  // Starts an epoch in front of global batch `step`, 0 <= step <= steps_per_epoch(): the batches from there on are
  // those that a run which was never interrupted gets. The Parquet reader skips whole row groups without reading them.
  virtual void resume_epoch(int64_t epoch, int64_t step) = 0;
  // The next batch, or nothing at the end of the epoch. Every rank sees the same number of batches, and a record that
  // is bad or skipped leaves its batch shorter, it moves no other row. Throws DataError as core/data/README.md lists.
  [[nodiscard]] virtual std::optional<Batch> next() = 0;
  // Of this rank, in the epoch that was started last: what the files hold, however often they are read. The dropped
  // tail is counted, and too many bad records of a short epoch are an error, with the epoch's last batch.
  [[nodiscard]] virtual SourceCounters counters() const = 0;
  // Of Batch::carried.
  [[nodiscard]] virtual std::shared_ptr<arrow::Schema> carried_schema() const = 0;
};

// Reads the Parquet files of a split. Opens all files' metadata and checks columns and types before returning; rank 0
// also looks for the values of data.only_scenarios, until all were found.
[[nodiscard]] std::unique_ptr<BatchSource> make_parquet_source(const config::Data& data, const SourceOptions& options);

}  // namespace polyscene
