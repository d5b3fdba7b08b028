#include "core/checkpoint/warm_start.h"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <ostream>
#include <set>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/hash_check.h"
#include "core/checkpoint/held_model.h"
#include "core/checkpoint/saved_table.h"
#include "core/features/id_kinds.h"
#include "core/files/safetensors.h"
#include "embedding/table/row_conversion.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

const std::string kTable = "table/";

HeldModel model_of(const std::string& path) {
  return fs::exists(path + "/dense.safetensors") ? HeldModel(path) : HeldModel::of_run(path, false);
}

// Kinds of ids, integers or strings, of the model's tables; an older configuration may not tell, or be missing.
IdKinds id_kinds_of(const std::string& folder) {
  config::Experiment saved;
  std::ifstream file(folder + "/config.pbtxt");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  google::protobuf::TextFormat::Parser parser;
  parser.AllowUnknownField(true);
  return parser.ParseFromString(text, &saved) ? IdKinds(saved.data()) : IdKinds();
}

class WarmStart {
 public:
  WarmStart(const config::WarmStart& wanted, const std::string& folder, const ModelState& model)
      : wanted_(wanted), model_(model), dense_(folder + "/dense.safetensors") {
    report_.folder = folder;
    ids_there_ = id_kinds_of(report_.folder);
  }

  WarmStartReport run() {
    for (const std::string& name : dense_.names()) unused_.insert(name);
    for (const std::string& table : saved_tables(report_.folder)) unused_.insert(kTable + table);
    there_ = unused_;
    const Tensor values = model_.parameters.host_values();
    for (const ParameterStore::Entry& entry : model_.parameters.entries()) take_tensor(entry, values);
    model_.parameters.set_values(values);
    for (int t = 0; t < model_.tables.tables(); ++t) take_table(t);
    require(!report_.tensors.empty() || !report_.tables.empty(),
            "[checkpoint] train.warm_start finds nothing to load in ", report_.folder,
            ": none of its tensors and tables has a name of this model; set rename, or remove train.warm_start");
    report_.unused.assign(unused_.begin(), unused_.end());
    return std::move(report_);
  }

 private:
  // The other model's name for `name`. Empty when it is not wanted or does not exist there; the report then says why.
  std::string source_of(const std::string& name) {
    const auto begins = [&](const std::string& prefix) { return name.starts_with(prefix); };
    if (wanted_.only_size() > 0 && std::ranges::none_of(wanted_.only(), begins)) {
      report_.kept.emplace_back(name, "not in train.warm_start.only");
      return {};
    }
    std::string source = name;
    for (const auto& rename : wanted_.rename())
      if (begins(rename.to())) {
        source = rename.from() + name.substr(rename.to().size());
        break;
      }
    if (there_.contains(source)) return source;
    report_.kept.emplace_back(name, source == name ? "not there" : str("no ", source, " there"));
    return {};
  }

  // Whether the shapes are equal. Throws when they differ, unless `mismatch` is SKIP.
  bool fits(const std::string& name, const std::string& there, const std::string& here) {
    if (there == here) return true;
    require(
        wanted_.mismatch() != config::WarmStart::REFUSE, "[checkpoint] ", name, " has shape ", there, " in ",
        report_.folder, ", ", here,
        " here; set train.warm_start.mismatch: SKIP to initialise it, CONVERT to resize rows of tables, or only, or "
        "rename");
    report_.kept.emplace_back(name, str("shape ", there, " there, ", here, " here"));
    return false;
  }

  void take_tensor(const ParameterStore::Entry& entry, const Tensor& values) {
    const std::string source = source_of(entry.name);
    if (source.empty()) return;
    const TensorView saved = dense_.tensor(source);
    require<DataError>(saved.dtype == DType::kFloat32, "[checkpoint] ", report_.folder, ": tensor \"", source,
                       "\" is not float32");
    require<DataError>(std::ranges::all_of(saved.elements<const float>(), [](float x) { return std::isfinite(x); }),
                       "[checkpoint] ", report_.folder, ": tensor \"", source,
                       "\" has values that are not finite; start from another model, or leave it out with only");
    unused_.erase(source);
    if (!fits(entry.name, str(saved.shape), str(entry.data.shape))) return;
    std::ranges::copy(saved.elements<const float>(), ParameterStore::part(entry, values).elements<float>().begin());
    report_.tensors.push_back(entry.name);
  }

  // Rows of another kind of ids would never be looked up, and nobody would notice.
  void check_ids(const std::string& here, const std::string& there) const {
    const auto mine = IdKinds(model_.experiment.data()).of_table(here), theirs = ids_there_.of_table(there);
    if (!mine || !theirs || *mine == *theirs) return;
    throw DataError(str("[checkpoint] wanted ids of one kind for table \"", here, "\", but the training files have ",
                        id_kind_name(*mine), ", and ", report_.folder, " was trained with ", id_kind_name(*theirs),
                        "; convert the ids, or leave the table out with train.warm_start.only"));
  }

  void take_table(int index) {
    embedding::RowTables& tables = model_.tables;
    const embedding::TableSpec& spec = tables.spec(index);
    const std::string source = source_of(kTable + spec.name);
    if (source.empty()) return;
    const std::string table = source.substr(kTable.size());
    unused_.erase(source);
    check_ids(spec.name, table);
    const SavedTable saved({report_.folder}, table);
    const bool convert = saved.dim() != spec.dim && wanted_.mismatch() == config::WarmStart::CONVERT;
    if (!convert && !fits(kTable + spec.name, str("[rows, ", saved.dim(), "]"), str("[rows, ", spec.dim, "]"))) return;
    embedding::TableSpec there = spec;
    there.dim = saved.dim();
    embedding::RowConversion conversion(there, spec, model_.experiment.seed());
    int64_t kept = 0;
    embedding::SavedRows mine;  // with a bound: loaded at once, because which rows stay depends on all of them
    saved.visit([&](const embedding::RowsIn& found) {
      const embedding::RowsIn rows = convert ? conversion(found) : found;
      if (spec.max_rows == 0) {
        kept += tables.load_rows(index, rows).kept;
        return;
      }
      const embedding::SavedRows own = rows_of_rank(tables.layout(), index, tables.communicator().rank(), spec, rows);
      mine.keys.insert(mine.keys.end(), own.keys.begin(), own.keys.end());
      mine.values.insert(mine.values.end(), own.values.begin(), own.values.end());
    });
    if (spec.max_rows > 0) kept = tables.load_rows(index, mine.view()).kept;
    if (convert) report_.converted.push_back(str(spec.name, ": rows of ", saved.dim(), " values to ", spec.dim));
    report_.tables.push_back(spec.name);
    report_.rows.push_back(kept);
  }

  const config::WarmStart& wanted_;
  ModelState model_;
  SafetensorsFile dense_;
  IdKinds ids_there_;
  std::set<std::string> there_, unused_;
  WarmStartReport report_;
};

}  // namespace

WarmStartReport warm_start(const config::WarmStart& from, const ModelState& model) {
  const HeldModel source = model_of(from.from()).agreed(model.communicator);
  require_full_checkpoint(source.path());
  WarmStartReport report;
  read_checked(source.path(), model.communicator, "start from another model, or restore it from a copy",
               [&] { report = WarmStart(from, source.path(), model).run(); });
  model.communicator.all_reduce<int64_t>(report.rows);
  return report;
}

void print(std::ostream& out, const WarmStartReport& r) {
  out << "warm start from " << r.folder << ": " << r.tensors.size() << " tensors, " << r.tables.size()
      << " tables with " << std::accumulate(r.rows.begin(), r.rows.end(), int64_t{0}) << " rows\n";
  for (const std::string& table : r.converted) out << "  table " << table << '\n';
  for (const auto& [name, why] : r.kept) out << "  " << name << " is initialised: " << why << '\n';
  for (const std::string& name : r.unused)
    out << "  " << name << " has no counterpart in this model and was not used\n";
  out << std::flush;
}

}  // namespace polyscene::core
