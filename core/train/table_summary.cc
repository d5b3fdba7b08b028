#include "core/train/table_summary.h"

#include <algorithm>
#include <iomanip>
#include <numeric>
#include <sstream>

#include "embedding/plan/bucket_plan.h"
#include "ops/base/ratio.h"

namespace polyscene::core {

TableSummary summarize_tables(Session& session) {
  const embedding::LookupStatistics lookups = session.lookup().total();
  TableSummary all{.rows = session.tables().global_rows()};
  std::array<int64_t, 5> sums = {session.tables().memory_bytes(), lookups.keys_in, lookups.keys_sent,
                                 lookups.keys_owned, lookups.rows_evicted};
  session.communicator().all_reduce<int64_t>(sums);
  all.memory_bytes = sums[0];
  all.keys_in = sums[1];
  all.keys_sent = sums[2];
  all.keys_owned = sums[3];
  all.rows_evicted = sums[4];
  return all;
}

std::string describe(const TableSummary& s, Session& session) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << "tables: " << s.rows.size() << " with "
      << std::accumulate(s.rows.begin(), s.rows.end(), int64_t{0}) << " rows, "
      << static_cast<double>(s.memory_bytes) / 1048576.0 << " MiB; dense parameters: " << session.parameters().size()
      << "\nrepeated ids are looked up once: " << ratio(s.keys_in, std::max<int64_t>(s.keys_sent, 1))
      << " uses per id that a rank sends, " << ratio(s.keys_in, std::max<int64_t>(s.keys_owned, 1))
      << " per row read\n";
  std::string bounds;
  embedding::RowTables& tables = session.tables();
  for (int t = 0; t < tables.tables(); ++t) {
    const embedding::TableSpec& spec = tables.spec(t);
    if (spec.max_rows == 0) continue;
    const embedding::BucketPlan plan = embedding::plan_buckets(spec.max_rows, tables.layout().map().partitions());
    bounds +=
        str(bounds.empty() ? "" : ", ", spec.name, " holds ", s.rows[t], " of ", plan.buckets * plan.slots, " rows");
  }
  if (!bounds.empty()) out << "bounded tables: " << bounds << "; rows evicted " << s.rows_evicted << "\n";
  return out.str();
}

}  // namespace polyscene::core
