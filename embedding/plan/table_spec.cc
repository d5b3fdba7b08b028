#include "embedding/plan/table_spec.h"

#include <cmath>
#include <set>

#include "embedding/plan/bucket_plan.h"
#include "ops/base/error.h"

namespace polyscene::embedding {

void check_tables(std::span<const TableSpec> tables, int partitions) {
  std::set<std::string_view> names;
  for (const TableSpec& t : tables) {
    require(!t.name.empty(), "[embedding.plan] wanted a name for every table, got a table without one");
    require(names.insert(t.name).second, "[embedding.plan] wanted every table once, got \"", t.name, "\" twice");
    require(t.dim >= 1, "[embedding.plan] table \"", t.name, "\": wanted a dim of at least 1, got ", t.dim);
    require(t.init_stddev >= 0 && std::isfinite(t.init_stddev), "[embedding.plan] table \"", t.name,
            "\": wanted a finite init_stddev of at least 0, got ", t.init_stddev);
    check_optimizer(t.optimizer, t.name);
    const int64_t least = int64_t{BucketPlan::kMinSlots} * partitions;
    require(t.max_rows == 0 || t.max_rows >= least, "[embedding.plan] table \"", t.name,
            "\": wanted max_rows of 0 (no ", "bound) or at least ", least, ", ", BucketPlan::kMinSlots, " for each of ",
            partitions, " partitions, got ", t.max_rows, "; try more rows, or fewer partitions");
  }
}

}  // namespace polyscene::embedding
