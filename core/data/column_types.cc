#include "core/data/column_types.h"

#include <arrow/type.h>
#include <arrow/type_traits.h>

namespace polyscene::core {
namespace {

using arrow::Type;

bool is_text(const arrow::DataType& type) {
  return arrow::is_base_binary_like(type.id()) || arrow::is_binary_view_like(type.id());
}

bool is_whole_decimal(const arrow::DataType& type) {
  return arrow::is_decimal(type.id()) && static_cast<const arrow::DecimalType&>(type).scale() == 0;
}

// Arrow's null type counts as a number type too.
bool is_number(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || arrow::is_floating(type.id()) || type.id() == Type::BOOL ||
         type.id() == Type::NA || is_whole_decimal(type);
}

bool is_time(const arrow::DataType& type) {
  return (is_number(type) && type.id() != Type::BOOL) || type.id() == Type::TIMESTAMP || arrow::is_date(type.id());
}

// Float types are accepted; a row whose float is not an integer is bad.
bool is_id(const arrow::DataType& type) {
  if (type.id() != Type::DICTIONARY) return is_number(type) || is_text(type);
  const arrow::DataType& values = *static_cast<const arrow::DictionaryType&>(type).value_type();
  return is_text(values) || values.id() == Type::NA;
}

const arrow::DataType* element(const arrow::DataType& type) {
  const bool list = type.id() == Type::LIST || type.id() == Type::LARGE_LIST || type.id() == Type::FIXED_SIZE_LIST;
  return list ? type.field(0)->type().get() : nullptr;
}

}  // namespace

bool suits(const arrow::DataType& type, ColumnForm form) {
  if (type.id() == Type::NA) return true;
  switch (form) {
    case ColumnForm::kId:
      return is_id(type);
    case ColumnForm::kIntegerId:
      return is_number(type);
    case ColumnForm::kNumber:
    case ColumnForm::kLabel:
      return is_number(type);
    case ColumnForm::kTime:
      return is_time(type);
    case ColumnForm::kIdList:
      return element(type) != nullptr && is_id(*element(type));
    case ColumnForm::kNumberList:
      return element(type) != nullptr && is_number(*element(type));
    case ColumnForm::kAny:
      return true;
  }
  return false;
}

IdForms id_forms(const arrow::DataType& type) {
  if (const arrow::DataType* of_list = element(type)) return id_forms(*of_list);
  if (type.id() == Type::DICTIONARY) return id_forms(*static_cast<const arrow::DictionaryType&>(type).value_type());
  return {.texts = is_text(type),
          .bools = type.id() == Type::BOOL,
          .integers = is_number(type) && type.id() != Type::BOOL && type.id() != Type::NA && type.id() != Type::UINT64,
          .naturals = type.id() == Type::UINT64 || is_whole_decimal(type)};
}

}  // namespace polyscene::core
