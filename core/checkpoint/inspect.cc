#include "core/checkpoint/inspect.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <map>
#include <ostream>
#include <sstream>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/hash_check.h"
#include "core/checkpoint/held_model.h"
#include "core/files/safetensors.h"
#include "core/text/table.h"
#include "dist/world.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

struct Values {
  int64_t rows = 0, dim = 0, bytes = 0, not_finite = 0;
  double squares = 0, largest = -1;  // largest: sum of squares of the largest row
  std::string largest_name;          // key of that row, or its tensor's name

  void add(std::span<const float> row, const std::string& name) {
    double sum = 0;
    for (const float x : row) {
      not_finite += std::isfinite(x) ? 0 : 1;
      sum += std::isfinite(x) ? double{x} * x : 0;
    }
    squares += sum;
    if (sum > largest) {
      largest = sum;
      largest_name = name;
    }
  }
};

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator file(folder, error); !error && file != fs::directory_iterator(); file.increment(error))
    if (file->path().extension() == ".safetensors") files.push_back(file->path().string());
  std::ranges::sort(files);
  return files;
}

void add_table(Values& table, const SafetensorsFile& file, const std::string& path) {
  const auto keys = file.tensor("keys").elements<const int64_t>();
  const TensorView values = file.tensor("values");
  require<DataError>(values.shape.rank() == 2 && values.shape[0] == std::ssize(keys), "[checkpoint] ", path,
                     ": wanted values for ", keys.size(), " keys, got ", values.shape, "; the file is damaged");
  table.dim = values.shape[1];
  table.rows += values.shape[0];
  table.bytes += fs::file_size(path);
  for (size_t row = 0; row < keys.size(); ++row)
    table.add(values.elements<const float>().subspan(row * table.dim, table.dim), str("key ", keys[row]));
}

std::string rounded(double value, int digits) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value;
  return std::move(out).str();
}

Table::Row row_of(const std::string& name, const Values& v) {
  const std::string largest = v.largest < 0 ? "" : str(rounded(std::sqrt(v.largest), 4), " (", v.largest_name, ")");
  return {name,
          std::to_string(v.rows),
          std::to_string(v.dim),
          rounded(static_cast<double>(v.bytes) / 1048576, 1),
          rounded(std::sqrt(v.squares), 4),
          std::to_string(v.not_finite),
          largest};
}

void print_folder(std::ostream& out, const std::string& folder) {
  out << folder << '\n';
  if (fs::exists(folder + "/manifest.pbtxt")) {
    const TrainPosition p = position_of_checkpoint(folder);
    out << "step " << p.step << ", epoch " << p.epoch << " after " << p.batches << " batches, " << p.rows_trained
        << " samples trained";
    if (p.best)
      out << "; best " << (p.best->metric.empty() ? "" : p.best->metric + " ") << p.best->value << " at step "
          << p.best->step << (p.best->model.empty() ? "" : ", whose model is models/" + p.best->model);
    out << '\n';
    if (const std::vector<std::string> chain = chain_of(folder); chain.size() > 1)
      out << "incremental, base checkpoint " << fs::path(chain[1]).filename().string() << ", " << chain.size()
          << " checkpoints in the chain; it holds the rows trained since its base\n";
  }
  std::map<std::string, Values> tables;
  for (const std::string& file_path : files_in(folder + "/tables")) {
    const SafetensorsFile file(file_path);
    const auto name = file.metadata().find("table");
    add_table(tables[name == file.metadata().end() ? fs::path(file_path).filename().string() : name->second], file,
              file_path);
  }
  Table shown{.rows = {{"table", "rows", "dim", "MiB", "norm", "not finite", "norm of the largest row"}}};
  for (const auto& [name, table] : tables) shown.rows.push_back(row_of(name, table));

  const std::string dense_path = folder + "/dense.safetensors";
  const SafetensorsFile file(dense_path);
  Values dense;
  dense.bytes = fs::file_size(dense_path);
  for (const std::string& name : file.names()) {
    const auto values = file.tensor(name).elements<const float>();
    dense.rows += std::ssize(values);
    dense.add(values, name);
  }
  shown.rows.push_back(row_of("dense parameters", dense));
  print_table(out, shown);
}

}  // namespace

void print_checkpoint(std::ostream& out, const std::string& path) {
  const HeldModel model(fs::exists(path + "/dense.safetensors") ? path : find_checkpoint(path));
  read_checked(model.path(), *dist::make_single_world(), "the output above comes from the damaged files",
               [&] { print_folder(out, model.path()); });
}

}  // namespace polyscene::core
