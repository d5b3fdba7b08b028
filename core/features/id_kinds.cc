#include "core/features/id_kinds.h"

#include "ops/base/error.h"

namespace polyscene::core {
namespace {

using config::IdKind;

IdKind::Kind kind_of(const IdForms& forms) { return forms.texts ? IdKind::TEXTS : IdKind::INTEGERS; }

}  // namespace

const char* id_kind_name(IdKind::Kind kind) { return kind == IdKind::TEXTS ? "strings" : "integers"; }

IdKinds::IdKinds(const config::Data& data) {
  for (const IdKind& known : data.id_kind()) {
    IdForms forms;
    (known.kind() == IdKind::TEXTS ? forms.texts : forms.integers) = true;
    tables_[known.table()] = {forms, str("the model was trained with ", id_kind_name(known.kind()))};
  }
}

void IdKinds::add(const ColumnRequest& request, IdForms forms, const std::function<std::string()>& where) {
  if (!forms.any()) return;
  const bool shares = !request.table.empty();
  auto& places = shares ? tables_ : others_;
  const std::string& place = shares ? request.table : request.user;
  const auto found = places.find(place);
  if (found == places.end()) {
    places[place] = {forms, where()};
    return;
  }
  Seen& seen = found->second;
  require<DataError>(seen.forms.texts == forms.texts, "[data] wanted ids of one kind for ",
                     shares ? str("table \"", place, "\"") : place, ", but ", seen.where, ", and ", where(),
                     "; strings are hashed and never equal integers: write both as integers or both as strings");
  seen.forms.bools |= forms.bools;
  seen.forms.integers |= forms.integers;
  seen.forms.naturals |= forms.naturals;
}

IdKinds IdKinds::of_tables() const {
  IdKinds tables;
  tables.tables_ = tables_;
  return tables;
}

void IdKinds::save(config::Data& data) const {
  data.clear_id_kind();
  for (const auto& [table, seen] : tables_) {
    IdKind& known = *data.add_id_kind();
    known.set_table(table);
    known.set_kind(kind_of(seen.forms));
  }
}

std::optional<IdKind::Kind> IdKinds::of_table(const std::string& table) const {
  const auto found = tables_.find(table);
  if (found == tables_.end()) return std::nullopt;
  return kind_of(found->second.forms);
}

IdForms IdKinds::forms_for(const std::string& user) const {
  const auto found = others_.find(user);
  return found == others_.end() ? IdForms() : found->second.forms;
}

}  // namespace polyscene::core
