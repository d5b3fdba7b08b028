// The splits of a run, opened by all ranks.
#pragma once

#include <memory>

#include "core/data/batch_source.h"
#include "core/run/run_folder.h"
#include "dist/communicator.h"

namespace polyscene::core {

// Opens a split on every rank, for its rank and number of ranks, which `options` need not say. Collective. Throws what
// make_parquet_source() throws, and DataError on all ranks when another rank could not open it, or sees files of other
// names, sizes or rows: batches would be of rows that nobody has.
[[nodiscard]] std::unique_ptr<BatchSource> open_source(const config::Data& data, SourceOptions options,
                                                       dist::Communicator& communicator);

// The splits that a run reads: training, and validation if the configuration has one.
struct RunSources {
  std::unique_ptr<BatchSource> train, valid;
};

// Opens both as training reads them; bad records are listed in the run's folder. Collective, throws the same.
[[nodiscard]] RunSources open_run_sources(const config::Experiment& experiment, const RunFolder& folder,
                                          dist::Communicator& communicator);

// Before anything is made: throws like list_files() where a split has no files, but for a test split, whose files may
// come later; InvalidArgument where splits share files, or where a run that is overwritten has them in its folder.
void check_input_files(const config::Data& data, const RunFolder& folder, bool overwrite);

}  // namespace polyscene::core
