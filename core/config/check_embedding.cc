#include <map>
#include <set>

#include "core/config/check.h"
#include "core/config/check_optimizer.h"
#include "core/config/experiment.pb.h"
#include "core/files/file_name.h"
#include "core/text/suggest.h"

namespace polyscene::core::config_text {
namespace {

using config::Feature;
using config::SparseOptimizer;

void check_sparse(const std::string& path, const SparseOptimizer& o, Problems& problems) {
  const bool adagrad = o.kind() == SparseOptimizer::ADAGRAD || o.kind() == SparseOptimizer::ROW_WISE_ADAGRAD;
  check_optimizer(path, o, o.kind() == SparseOptimizer::LAZY_ADAM, adagrad, problems);
}

void check_stddev(const std::string& path, double stddev, Problems& problems) {
  problems.require(stddev >= 0 && stddev <= 100, path, " wants a standard deviation from 0 to 100, got ", stddev);
}

// The tables of the features, named or by default, each with the path of the setting that names it first.
std::map<std::string, std::string> tables_of(const config::Data& data) {
  std::map<std::string, std::string> tables, table_of_feature;
  for (int i = 0; i < data.feature_size(); ++i) {
    const Feature& f = data.feature(i);
    const auto add = [&](const char* kind, const std::string& table) {
      const std::string path = str("data.feature[", i, "].", table.empty() ? "name" : kind);
      table_of_feature[f.name()] = tables.emplace(table.empty() ? f.name() : table, path).first->first;
    };
    if (f.has_categorical()) add("categorical.table", f.categorical().table());
    if (f.has_bag()) add("bag.table", f.bag().table());
    if (f.number().boundary_size() > 0) add("number.table", f.number().table());
  }
  for (int i = 0; i < data.feature_size(); ++i) {
    for (int k = 0; k < data.feature(i).sequence().side_size(); ++k) {
      const auto& side = data.feature(i).sequence().side(k);
      const auto target = table_of_feature.find(side.target());
      const bool shares = target != table_of_feature.end();
      const char* names_it = !side.table().empty() ? "table" : shares ? "target" : "column";
      tables.emplace(!side.table().empty() ? side.table()
                     : shares              ? target->second
                                           : side.column(),
                     str("data.feature[", i, "].sequence.side[", k, "].", names_it));
    }
  }
  return tables;
}

// Checked before training, since a table that cannot be saved would make the training worthless.
void check_file_name(const std::string& path, const std::string& table, Problems& problems) {
  const size_t bytes = file_name(table).size();
  problems.require(bytes <= kLongestFileName, path, " names a table whose files want a name of at most ",
                   kLongestFileName, " bytes, in which each but ASCII letters, digits, ., _ and - counts 3, got ",
                   bytes, ": \"", table, "\"; give it a shorter name with table: \"...\"");
}

}  // namespace

void check_embedding(const config::Embedding& e, const config::Data& data, Problems& problems) {
  problems.require(e.dim() >= 1 && e.dim() <= 4096, "embedding.dim", " wants 1 to 4096, got ", e.dim());
  problems.require(e.partitions() >= 1 && e.partitions() <= (1 << 20), "embedding.partitions",
                   " wants 1 to 1048576, got ", e.partitions());
  check_stddev("embedding.init_stddev", e.init_stddev(), problems);
  check_sparse("embedding.optimizer", e.optimizer(), problems);
  const std::map<std::string, std::string> tables = tables_of(data);
  std::vector<std::string> names;
  for (const auto& [name, path] : tables) {
    check_file_name(path, name, problems);
    names.push_back(name);
  }
  std::set<std::string> seen;
  for (int i = 0; i < e.table_size(); ++i) {
    const std::string path = str("embedding.table[", i, "]");
    const std::string& name = e.table(i).name();
    problems.require(!name.empty(), path, " wants a name; give it name: \"...\"");
    problems.require(seen.insert(name).second || name.empty(), path + ".name", ": table \"", name,
                     "\" is there twice; keep one");
    problems.require(name.empty() || tables.contains(name), path + ".name",
                     " wants a table that a feature uses, got \"", name, "\"", suggestion(name, names));
    if (e.table(i).has_init_stddev()) check_stddev(path + ".init_stddev", e.table(i).init_stddev(), problems);
    const int64_t most = e.table(i).max_rows(), least = int64_t{32} * e.partitions();
    problems.require(most == 0 || most >= least, path + ".max_rows", " wants 0 (no bound) or at least ", least,
                     ", 32 for each of embedding.partitions, got ", most, "; try more rows or fewer partitions");
    if (e.table(i).has_optimizer()) check_sparse(path + ".optimizer", e.table(i).optimizer(), problems);
  }
}

}  // namespace polyscene::core::config_text
