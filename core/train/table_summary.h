// The part of a run's summary about its tables.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/session/session.h"

namespace polyscene::core {

struct TableSummary {
  std::vector<int64_t> rows;  // [tables]
  int64_t memory_bytes = 0, keys_in = 0, keys_sent = 0, keys_owned = 0, rows_evicted = 0;
};

// Over all ranks. Collective.
[[nodiscard]] TableSummary summarize_tables(Session& session);

// Rows, memory, deduplication; and of tables with a bound how full they are.
[[nodiscard]] std::string describe(const TableSummary& summary, Session& session);

}  // namespace polyscene::core
