// Ids are integers or texts, and the two never meet, because a text's key is its hash: what shares a table must agree
// over columns, files and splits, and with what a model was trained with.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/config/experiment.pb.h"
#include "core/features/column_request.h"

namespace polyscene {

// How the ids of a column are written, of several columns the union. None: the column holds nulls alone.
struct IdForms {
  bool texts = false, bools = false;
  bool integers = false;  // that may be negative
  bool naturals = false;  // that may lie above the largest int64
  [[nodiscard]] bool any() const { return texts || bools || integers || naturals; }
};

class IdKinds {
 public:
  IdKinds() = default;
  // What data.id_kind says of a model's tables.
  explicit IdKinds(const config::Data& data);

  // Takes the ids of a column into account. where(): `column "user" of "a.parquet" has string`. Throws DataError naming
  // both places when the table, or where there is none what asks for the column, has had ids of the other kind.
  void add(const ColumnRequest& request, IdForms forms, const std::function<std::string()>& where);
  // Of the tables alone: what another split must agree with.
  [[nodiscard]] IdKinds of_tables() const;
  // Writes data.id_kind.
  void save(config::Data& data) const;

  // What a table's ids are; nothing while that is not known.
  [[nodiscard]] std::optional<config::IdKind::Kind> of_table(const std::string& table) const;
  // How the ids are written that `user`, who asks for a column without a table, got.
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

}  // namespace polyscene
