// Whether the ids of a table are integers or strings. A string's key is its hash, so integers and strings of one table
// would never match: all columns, files and splits that share a table must agree, also with the trained model.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/config/experiment.pb.h"
#include "core/features/column_request.h"

namespace polyscene::core {

// The forms in which the ids of a column, or of several columns, are written. None is set: only nulls were seen.
struct IdForms {
  bool texts = false, bools = false;
  bool integers = false;  // integers that may be negative
  bool naturals = false;  // integers that may lie above the largest int64
  [[nodiscard]] bool any() const { return texts || bools || integers || naturals; }
};

class IdKinds {
 public:
  IdKinds() = default;
  // Starts from data.id_kind, the kinds that a trained model's tables have.
  explicit IdKinds(const config::Data& data);

  // Adds the ids of a column. where() describes the place: `column "user" of "a.parquet" has string`. Throws DataError
  // naming both places when the table (or, without a table, the user of the column) already has ids of the other kind.
  void add(const ColumnRequest& request, IdForms forms, const std::function<std::string()>& where);
  // A copy with the tables only: what another split must agree with.
  [[nodiscard]] IdKinds of_tables() const;
  // Writes data.id_kind.
  void save(config::Data& data) const;

  // The kind of a table's ids; nothing while it is not known.
  [[nodiscard]] std::optional<config::IdKind::Kind> of_table(const std::string& table) const;
  // The forms of the ids of `user`, a ColumnRequest::user whose column has no table.
  [[nodiscard]] IdForms forms_for(const std::string& user) const;

 private:
  struct Seen {
    IdForms forms;
    std::string where;
  };
  std::map<std::string, Seen> tables_, others_;
};

// "integers", "strings".
[[nodiscard]] const char* id_kind_name(config::IdKind::Kind kind);

}  // namespace polyscene::core
