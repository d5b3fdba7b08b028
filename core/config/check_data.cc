#include <cmath>
#include <limits>
#include <map>

#include "core/config/check.h"
#include "core/config/check_field.h"
#include "core/config/experiment.pb.h"

namespace polyscene::core::config_text {
namespace {

using config::Data;
using config::Feature;

// Whether a name may be used in paths of checkpoints and in names of exported tensors.
bool plain_name(const std::string& name) {
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
         std::string::npos;
}

// Checks a list of named things: every name must be set, plain, and used once.
class Names {
 public:
  Names(std::string what, Problems& problems) : what_(std::move(what)), problems_(problems) {}

  void take(const std::string& path, const std::string& name) {
    if (name.empty()) return problems_.add(path, str(path, " wants a name; give it name: \"...\""));
    const auto [first, fresh] = taken_.emplace(name, path);
    problems_.require(fresh, path + ".name", ": ", what_, " \"", name, "\" is there twice (first ",
                      problems_.where(first->second + ".name"), "); rename or remove one");
    problems_.require(plain_name(name), path + ".name", " wants letters, digits, _ . and - only, got \"", name, "\"");
  }

 private:
  std::string what_;
  Problems& problems_;
  std::map<std::string, std::string> taken_;
};

// Checks a table or column that is set. If it is not set, it has a default.
template <class Kind>
void check_column(const std::string& path, const Kind& kind, Problems& problems) {
  problems.require(!kind.has_column() || !kind.column().empty(), path + ".column",
                   " wants a column's name, got \"\"; leave it out for the default");
}

template <class Kind>
void check_table(const std::string& path, const Kind& kind, Problems& problems) {
  problems.require(!kind.has_table() || !kind.table().empty(), path + ".table",
                   " wants a table's name, got \"\"; leave it out for the default");
  problems.require(plain_name(kind.table()), path + ".table", " wants letters, digits, _ . and - only, got \"",
                   kind.table(), "\"");
}

void check_categorical(const std::string& path, const config::Categorical& c, Problems& problems) {
  check_column(path, c, problems);
  check_table(path, c, problems);
  if (c.has_min_id() && c.has_max_id())
    problems.require(c.min_id() <= c.max_id(), path + ".min_id", " wants at most max_id, got ", c.min_id(), " above ",
                     c.max_id(), "; no id would be valid");
}

void check_bag(const std::string& path, const config::Bag& bag, const std::string& column, Problems& problems) {
  check_column(path, bag, problems);
  check_table(path, bag, problems);
  problems.require(bag.max_length() >= 1, path + ".max_length", " wants at least 1, got ", bag.max_length());
  problems.require(bag.weight_column() != column, path + ".weight_column",
                   " wants another column than the ids', got \"", column, "\" for both");
}

void check_number(const std::string& path, const config::Number& n, Problems& problems) {
  check_column(path, n, problems);
  check_table(path, n, problems);
  problems.require(std::isfinite(n.mean()), path + ".mean", " wants a finite number, got ", n.mean());
  problems.require(n.stddev() > 0 && std::isfinite(n.stddev()), path + ".stddev", " wants a number above 0, got ",
                   n.stddev());
  for (int i = 0; i < n.boundary_size(); ++i) {
    const std::string at = str(path, ".boundary[", i, "]");
    problems.require(std::isfinite(n.boundary(i)), at, " wants a finite number, got ", n.boundary(i));
    if (i > 0)
      problems.require(!(n.boundary(i) <= n.boundary(i - 1)), at, " wants more than the boundary before it (",
                       n.boundary(i - 1), "), got ", n.boundary(i), "; list the bounds in ascending order, each once");
  }
  problems.require(!n.has_table() || n.boundary_size() > 0, path + ".table",
                   " is the table of the buckets, but there are none; add boundary: [...] or remove table");
}

void check_side(const std::string& path, const config::Sequence::Side& side, const Data& data, Problems& problems) {
  problems.require(!side.column().empty(), path, " wants a column, e.g. column: \"history_video\"");
  check_table(path, side, problems);
  if (side.has_target()) check_field(path + ".target", side.target(), data, problems);
}

void check_sequence(const std::string& path, const config::Sequence& s, const Data& data, Problems& problems) {
  problems.require(s.side_size() > 0, path,
                   " wants at least one side, e.g. side { column: \"history_video\" target: \"video_id\" }");
  problems.require(s.max_length() >= 1, path + ".max_length", " wants at least 1, got ", s.max_length());
  for (int i = 0; i < s.side_size(); ++i) check_side(str(path, ".side[", i, "]"), s.side(i), data, problems);
}

// Columns whose values the feature reads.
std::vector<std::string> columns_of(const Feature& f) {
  const auto or_name = [&](const std::string& column) { return column.empty() ? f.name() : column; };
  switch (f.kind_case()) {
    case Feature::kCategorical:
      return {or_name(f.categorical().column())};
    case Feature::kBag:
      return {or_name(f.bag().column()), f.bag().weight_column()};
    case Feature::kNumber:
      return {or_name(f.number().column())};
    case Feature::kSequence: {
      std::vector<std::string> columns;
      for (const auto& side : f.sequence().side()) columns.push_back(side.column());
      return columns;
    }
    case Feature::KIND_NOT_SET:
      break;
  }
  return {};
}

void check_feature(const std::string& path, const Feature& f, const Data& data, Problems& problems) {
  const std::string named = f.name().empty() ? path : str(path, " \"", f.name(), "\"");
  switch (f.kind_case()) {
    case Feature::kCategorical:
      check_categorical(path + ".categorical", f.categorical(), problems);
      break;
    case Feature::kBag:
      check_bag(path + ".bag", f.bag(), columns_of(f).front(), problems);
      break;
    case Feature::kNumber:
      check_number(path + ".number", f.number(), problems);
      break;
    case Feature::kSequence:
      check_sequence(path + ".sequence", f.sequence(), data, problems);
      problems.require(f.role() != Feature::SCENARIO, path + ".role", " SCENARIO is for features of the row, but ",
                       named, " is a sequence; remove the role");
      break;
    case Feature::KIND_NOT_SET:
      problems.add(path, str(named, " wants a kind: one of categorical { }, bag { }, number { }, sequence { }"));
  }
}

// Refuses a label's column as input: such a model reaches a perfect score and is worth nothing.
void check_leaks(const Data& data, Problems& problems) {
  for (int i = 0; i < data.feature_size(); ++i) {
    for (const std::string& column : columns_of(data.feature(i))) {
      for (const config::Label& label : data.label()) {
        const std::string& answer = label.column().empty() ? label.name() : label.column();
        const std::string path = str("data.feature[", i, "]");
        problems.require(column.empty() || column != answer, path, " \"", data.feature(i).name(), "\" reads column \"",
                         column, "\", which label \"", label.name(), "\" is to be predicted from; remove the feature");
      }
    }
  }
}

}  // namespace

void check_reader(const Data& d, Problems& problems) {
  problems.require(d.max_bad_share() >= 0 && d.max_bad_share() <= 1, "data.max_bad_share",
                   " wants a share from 0 to 1, got ", d.max_bad_share());
  problems.require(d.only_scenarios_size() == 0 || !d.scenario_column().empty(), "data.only_scenarios",
                   " wants to know each row's scenario; set data.scenario_column");
  constexpr int64_t kMostRows = std::numeric_limits<int32_t>::max();  // rows of a window are numbered by int32
  problems.require(d.shuffle_window() >= 1 && d.shuffle_window() <= kMostRows, "data.shuffle_window", " wants 1 to ",
                   kMostRows, " rows, got ", d.shuffle_window());
  problems.require(d.lanes() >= 1 && d.lanes() <= 65536, "data.lanes", " wants 1 to 65536, got ", d.lanes());
  problems.require(d.prefetch() >= 1 && d.prefetch() <= 4096, "data.prefetch", " wants 1 to 4096 batches, got ",
                   d.prefetch());
  problems.require(d.threads() >= 1 && d.threads() <= 1024, "data.threads", " wants 1 to 1024, got ", d.threads());
}

void check_features(const Data& data, Problems& problems) {
  Names features("feature", problems), labels("label", problems), groups("group", problems);
  for (int i = 0; i < data.feature_size(); ++i) {
    const std::string path = str("data.feature[", i, "]");
    features.take(path, data.feature(i).name());
    check_feature(path, data.feature(i), data, problems);
  }
  for (int i = 0; i < data.label_size(); ++i) labels.take(str("data.label[", i, "]"), data.label(i).name());
  for (int i = 0; i < data.group_size(); ++i) groups.take(str("data.group[", i, "]"), data.group(i).name());
}

void check_data(const Data& data, Problems& problems) {
  problems.require(data.feature_size() > 0, "data", " has no feature; a model needs at least one");
  problems.require(data.label_size() > 0, "data",
                   " has no label; add label { name: \"is_click\" } with a column of 0 and 1");
  check_features(data, problems);
  check_leaks(data, problems);
  check_reader(data, problems);
}

}  // namespace polyscene::core::config_text
