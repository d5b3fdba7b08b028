#include "core/checkpoint/rewrite.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <ostream>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/file_hashes.h"
#include "core/checkpoint/folders.h"
#include "core/checkpoint/hash_check.h"
#include "core/checkpoint/manifest_file.h"
#include "core/checkpoint/saved_table.h"
#include "core/config/load.h"
#include "core/files/text_file.h"
#include "core/run/output_rule.h"
#include "core/session/session.h"
#include "dist/world.h"
#include "embedding/table/row_conversion.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

using checkpoint::Manifest;

void require_sound(const std::string& checkpoint) {
  std::string damage;
  for (const std::string& sentence : damage_of(checkpoint)) damage += "\n  " + sentence;
  require<DataError>(damage.empty(), "[checkpoint] ", checkpoint, " is damaged:", damage);
}

// A session on one rank, with the objects that it borrows.
struct Alone {
  explicit Alone(config::Experiment e)
      : experiment(std::move(e)),
        schema(FeatureSchema::from(experiment.data())),
        world(dist::make_single_world()),
        session(experiment, schema, dist::Rank{.communicator = *world}) {}
  config::Experiment experiment;
  FeatureSchema schema;
  std::unique_ptr<dist::Communicator> world;
  Session session;
};

// `manifest` holds the position of the run.
void write_aside(const std::string& aside, Alone& model, Manifest manifest) {
  manifest.set_schema(checkpoint::kFull);
  manifest.clear_base();
  manifest.clear_file();
  manifest.set_ranks(1);
  remove_folder(aside);
  make_folder(aside + "/tables");
  for (const WrittenFile& file :
       write_copy(aside, model.experiment, model.session.state(), copy_model(model.session.state()), {}))
    *manifest.add_file() = checkpoint::described(file);
  write_manifest(aside, manifest);
}

// Loads the tensors of the same name and shape into `buffer`, which is laid out like the parameters. Returns the names
// of the other tensors.
std::vector<std::string> take_parts(const SafetensorsFile& file, const ParameterStore& parameters,
                                    const std::string& prefix, const Tensor& buffer) {
  std::vector<std::string> others;
  for (const ParameterStore::Entry& e : parameters.entries()) {
    const std::string name = prefix + e.name;
    if (!file.contains(name) || !(file.tensor(name).shape == e.data.shape)) {
      others.push_back(name);
      continue;
    }
    std::ranges::copy(file.tensor(name).elements<const float>(),
                      ParameterStore::part(e, buffer).elements<float>().begin());
  }
  return others;
}

class Conversion {
 public:
  Conversion(const std::string& checkpoint, const config::Experiment& before, config::Experiment after,
             std::ostream& out)
      : chain_(chain_of(checkpoint)), before_(before), to_(std::move(after)), out_(out) {}

  void run(const std::string& aside) {
    Manifest manifest = checkpoint::read_manifest(chain_.front());
    take_dense();
    take_tables();
    to_.session.scenario_names() = read_scenario_names(chain_.front());
    to_.session.tables().set_update_steps(manifest.table_updates());
    manifest.clear_log();
    manifest.clear_best();  // it describes the model before conversion
    manifest.clear_best_step();
    manifest.clear_misses();
    manifest.clear_best_metric();
    manifest.clear_best_model();
    manifest.clear_valid();
    write_aside(aside, to_, manifest);
  }

 private:
  void take_dense() {
    const ParameterStore& parameters = to_.session.parameters();
    const Tensor values = parameters.host_values();
    const auto anew = take_parts(SafetensorsFile(chain_.front() + "/dense.safetensors"), parameters, "", values);
    to_.session.parameters().set_values(values);
    for (const std::string& name : anew)
      out_ << name << " is initialised: the checkpoint has another shape, or lacks it\n";

    const auto kind = before_.train().optimizer().kind();
    if (kind != to_.experiment.train().optimizer().kind()) {
      out_ << "the state of the dense optimiser is reset: its kind changes\n";
      return;
    }
    DenseState state = to_.session.dense_update().state();
    const SafetensorsFile file(chain_.front() + "/optimizer.safetensors");
    for (const auto& [name, buffer] : state.values) static_cast<void>(take_parts(file, parameters, name + "/", buffer));
    state.steps = saved_optimizer_steps(file, chain_.front());
    to_.session.dense_update().set_state(state);
  }

  void take_tables() {
    const Model old = build_model(before_, FeatureSchema::from(before_.data()));
    const std::vector<embedding::TableSpec> specs = table_specs(old, before_.embedding(), true);
    const embedding::TableLayout layout(specs, embedding::PartitionMap(before_.embedding().partitions(), 1));
    std::vector<std::string> gone;
    for (const embedding::TableSpec& spec : specs) gone.push_back(spec.name);
    embedding::RowTables& tables = to_.session.tables();
    for (int t = 0; t < tables.tables(); ++t) {
      const embedding::TableSpec& spec = tables.spec(t);
      const auto found = std::ranges::find(specs, spec.name, &embedding::TableSpec::name);
      if (found == specs.end()) {
        out_ << "table " << spec.name << " starts without rows: the checkpoint lacks it\n";
        continue;
      }
      std::erase(gone, spec.name);
      take_table(layout, static_cast<int>(found - specs.begin()), *found, t);
    }
    for (const std::string& name : gone)
      out_ << "table " << name << " has no counterpart in this model and was not used\n";
  }

  void take_table(const embedding::TableLayout& layout, int from, const embedding::TableSpec& was, int to) {
    embedding::RowTables& tables = to_.session.tables();
    const embedding::TableSpec& is = tables.spec(to);
    embedding::RowConversion convert(was, is, to_.experiment.seed());
    embedding::RowTables::Loaded loaded;
    SavedTable(chain_, was.name).visit_rank(layout, from, 0, true, nullptr, [&](const embedding::RowsIn& rows) {
      const embedding::RowTables::Loaded piece = tables.load_rows(to, was == is ? rows : convert(rows));
      loaded.kept += piece.kept;
      loaded.dropped += piece.dropped;
    });
    out_ << "table " << is.name << ": " << loaded.kept << " rows of " << was.dim << " values";
    if (is.dim != was.dim) out_ << ", now of " << is.dim;
    if (!convert.keeps_state()) out_ << ", the state of its optimiser is reset: its kind changes";
    if (loaded.dropped > 0) out_ << ", " << loaded.dropped << " more exceed its max_rows";
    out_ << '\n';
  }

  std::vector<std::string> chain_;
  const config::Experiment& before_;
  Alone to_;
  std::ostream& out_;
};

}  // namespace

std::pair<std::string, size_t> compact_checkpoint(const std::string& path) {
  const std::string checkpoint = find_checkpoint(path), aside = checkpoint + ".partial";
  const std::shared_ptr<void> lock = RunFolder(run_of_checkpoint(checkpoint)).lock();
  const std::vector<std::string> chain = chain_of(checkpoint);
  require_sound(checkpoint);
  if (chain.size() == 1) return {checkpoint, 1};
  PartialFolder partial(aside);
  Alone model(load_saved_experiment(checkpoint));
  const ModelState state = model.session.state();
  warn_of_dropped(read_parts(chain, state, {.state = true}), checkpoint, state);
  const Manifest manifest = checkpoint::read_manifest(checkpoint);
  model.session.tables().set_update_steps(manifest.table_updates());
  write_aside(aside, model, manifest);
  replace_folder(checkpoint, aside);
  partial.release();
  sync_folder(fs::path(checkpoint).parent_path().string(), false);
  return {checkpoint, chain.size()};
}

std::string convert_checkpoint(const std::string& path, const std::vector<std::string>& overrides,
                               const std::string& output, std::ostream& out) {
  require_output_folder("--output", output, {});
  const std::string checkpoint = find_checkpoint(path);
  const config::Experiment after = load_convert_config(checkpoint, overrides);
  const config::Experiment before = load_saved_experiment(checkpoint);
  require_sound(checkpoint);
  const RunFolder run(output);
  const std::shared_ptr<void> lock = run.claim(false);
  run.begin();
  const std::string folder = run.checkpoints() + "/" + fs::path(checkpoint).filename().string();
  PartialFolder partial(folder + ".partial");
  Conversion(checkpoint, before, after, out).run(partial.path());
  write_text_file(run.config(), to_text(after));
  move_folder(partial.path(), folder);
  partial.release();
  sync_folder(run.checkpoints(), false);
  return folder;
}

}  // namespace polyscene::core
