#include "core/data/column_types.h"

#include <arrow/type.h>
#include <arrow/type_traits.h>

namespace polyscene {
namespace {

using arrow::Type;

bool is_text(const arrow::DataType& type) {
  return arrow::is_base_binary_like(type.id()) || arrow::is_binary_view_like(type.id());
}

bool is_whole(const arrow::DataType& type) { return arrow::is_integer(type.id()) || type.id() == Type::BOOL; }

bool is_number(const arrow::DataType& type) {
  return is_whole(type) || type.id() == Type::FLOAT || type.id() == Type::DOUBLE;
}

bool is_time(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || type.id() == Type::TIMESTAMP || arrow::is_date(type.id());
}

bool is_id(const arrow::DataType& type) {
  if (type.id() != Type::DICTIONARY) return is_whole(type) || is_text(type);
  return is_text(*static_cast<const arrow::DictionaryType&>(type).value_type());
}

const arrow::DataType* element(const arrow::DataType& type) {
  const bool list = type.id() == Type::LIST || type.id() == Type::LARGE_LIST || type.id() == Type::FIXED_SIZE_LIST;
  return list ? type.field(0)->type().get() : nullptr;
}

}  // namespace

bool suits(const arrow::DataType& type, ColumnForm form) {
  switch (form) {
    case ColumnForm::kId:
      return is_id(type);
    case ColumnForm::kIntegerId:
      return is_whole(type);
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

}  // namespace polyscene
