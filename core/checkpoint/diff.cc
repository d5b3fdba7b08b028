#include "core/checkpoint/diff.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <iomanip>
#include <map>
#include <ostream>
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

HeldModel model_at(const std::string& path) {
  HeldModel model(fs::exists(path + "/dense.safetensors") ? path : find_checkpoint(path));
  require_full_checkpoint(model.path());
  return model;
}

// Difference between elements that should be equal.
struct Distance {
  int64_t elements = 0;  // that differ
  double largest = 0;

  void add(DType dtype, const void* a, const void* b, int64_t count) {
    const auto *x = static_cast<const char*>(a), *y = static_cast<const char*>(b);
    const size_t bytes = size_bytes(dtype);
    if (std::memcmp(x, y, bytes * count) == 0) return;
    for (int64_t i = 0; i < count; ++i, x += bytes, y += bytes) {
      if (std::memcmp(x, y, bytes) == 0) continue;
      ++elements;
      const double distance = std::abs(number(dtype, x) - number(dtype, y));
      largest = std::isnan(distance) ? INFINITY : std::max(largest, distance);
    }
  }
  static double number(DType dtype, const char* at) {
    if (dtype == DType::kFloat32) {
      float x;
      std::memcpy(&x, at, sizeof(x));
      return x;
    }
    int32_t x;
    std::memcpy(&x, at, sizeof(x));
    return x;
  }
};

// All rows of a table in the files of its ranks.
struct WholeTable {
  struct Row {
    int64_t key;
    size_t file;
    int64_t row;
  };
  std::vector<SafetensorsFile> files;
  std::vector<Row> rows;  // by key

  void sort() { std::ranges::sort(rows, {}, &Row::key); }
};

std::map<std::string, WholeTable> tables_of(const std::string& folder) {
  std::map<std::string, WholeTable> tables;
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator file(folder + "/tables", error); !error && file != fs::directory_iterator();
       file.increment(error))
    if (file->path().extension() == ".safetensors") paths.push_back(file->path().string());
  require<DataError>(!error, "[checkpoint] cannot list ", folder, "/tables: ", error.message());
  std::ranges::sort(paths);
  for (const std::string& path : paths) {
    SafetensorsFile file(path);
    const auto name = file.metadata().find("table");
    WholeTable& table = tables[name == file.metadata().end() ? fs::path(path).filename().string() : name->second];
    const auto keys = file.tensor("keys").elements<const int64_t>();
    for (size_t row = 0; row < keys.size(); ++row)
      table.rows.push_back({keys[row], table.files.size(), static_cast<int64_t>(row)});
    table.files.push_back(std::move(file));
  }
  for (auto& [name, table] : tables) table.sort();
  return tables;
}

// Distance of values, and of state and access statistics if both files have them.
Distance row_distance(const WholeTable& a, const WholeTable::Row& x, const WholeTable& b, const WholeTable::Row& y) {
  Distance distance;
  for (const char* part : {"values", "state", "uses"}) {
    const SafetensorsFile &f = a.files[x.file], &g = b.files[y.file];
    if (!f.contains(part) || !g.contains(part)) continue;
    const TensorView v = f.tensor(part), w = g.tensor(part);
    const int64_t width = v.shape[1];
    require<DataError>(v.dtype == w.dtype && w.shape[1] == width, "[checkpoint] cannot compare rows of ", part, " of ",
                       v.shape, " and ", w.shape);
    const auto bytes = size_bytes(v.dtype) * width;
    distance.add(v.dtype, static_cast<const char*>(v.data) + x.row * bytes,
                 static_cast<const char*>(w.data) + y.row * bytes, width);
  }
  return distance;
}

bool same_dim(const WholeTable& a, const WholeTable& b) {
  return a.files[0].tensor("values").shape[1] == b.files[0].tensor("values").shape[1];
}

bool print_tables(std::ostream& out, const std::string& name, const WholeTable& a, const WholeTable& b) {
  if (!same_dim(a, b)) {
    out << "table " << visible(name) << ": rows of " << a.files[0].tensor("values").shape[1] << " values and of "
        << b.files[0].tensor("values").shape[1] << '\n';
    return false;
  }
  int64_t only_a = 0, only_b = 0, both = 0, differ = 0, farthest = 0;
  double largest = 0;
  auto x = a.rows.begin(), y = b.rows.begin();
  while (x != a.rows.end() || y != b.rows.end()) {
    if (y == b.rows.end() || (x != a.rows.end() && x->key < y->key)) {
      ++only_a, ++x;
    } else if (x == a.rows.end() || y->key < x->key) {
      ++only_b, ++y;
    } else {
      const Distance distance = row_distance(a, *x, b, *y);
      ++both;
      differ += distance.elements > 0 ? 1 : 0;
      if (distance.largest > largest) largest = distance.largest, farthest = x->key;
      ++x, ++y;
    }
  }
  if (only_a + only_b + differ == 0) return true;
  out << "table " << visible(name) << ": " << only_a << " rows only in the first, " << only_b << " only in the second, "
      << differ << " of " << both << " in both differ";
  if (differ > 0) out << ", by at most " << largest << " (key " << farthest << ")";
  out << '\n';
  return false;
}

bool print_file(std::ostream& out, const std::string& path_a, const std::string& path_b) {
  const SafetensorsFile a(path_a), b(path_b);
  bool same = true;
  for (const std::string& name : a.names()) {
    if (!b.contains(name)) {
      out << name << ": only in the first\n";
      same = false;
      continue;
    }
    const TensorView v = a.tensor(name), w = b.tensor(name);
    if (!(v.shape == w.shape) || v.dtype != w.dtype) {
      out << name << ": shape " << v.shape << " and " << w.shape << '\n';
      same = false;
      continue;
    }
    Distance distance;
    distance.add(v.dtype, v.data, w.data, v.shape.elements());
    if (distance.elements == 0) continue;
    out << name << ": " << distance.elements << " of " << v.shape.elements() << " elements differ, by at most "
        << distance.largest << '\n';
    same = false;
  }
  for (const std::string& name : b.names())
    if (!a.contains(name)) {
      out << name << ": only in the second\n";
      same = false;
    }
  return same;
}

bool print_folders(std::ostream& out, const std::string& a, const std::string& b) {
  out << std::setprecision(3);
  bool same = print_file(out, a + "/dense.safetensors", b + "/dense.safetensors");
  const std::string state = "/optimizer.safetensors";
  if (fs::exists(a + state) && fs::exists(b + state)) same = print_file(out, a + state, b + state) && same;
  const std::map<std::string, WholeTable> left = tables_of(a), right = tables_of(b);
  for (const auto& [name, table] : left) {
    const auto other = right.find(name);
    if (other != right.end()) {
      same = print_tables(out, name, table, other->second) && same;
      continue;
    }
    out << "table " << visible(name) << ": only in the first\n";
    same = false;
  }
  for (const auto& [name, table] : right)
    if (!left.contains(name)) {
      out << "table " << visible(name) << ": only in the second\n";
      same = false;
    }
  if (same) out << a << " and " << b << " hold the same\n";
  return same;
}

}  // namespace

bool print_difference(std::ostream& out, const std::string& path_a, const std::string& path_b) {
  const HeldModel first = model_at(path_a), second = model_at(path_b);
  const std::string &a = first.path(), &b = second.path();
  const std::string advice = "the output above comes from the damaged files";
  const auto one = dist::make_single_world();
  bool same = false;
  read_checked(a, *one, advice, [&] { read_checked(b, *one, advice, [&] { same = print_folders(out, a, b); }); });
  return same;
}

}  // namespace polyscene::core
