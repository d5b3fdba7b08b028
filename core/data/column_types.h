// Which Arrow types suit which use of a column.
#pragma once

#include "core/features/column_request.h"
#include "core/features/id_kinds.h"

namespace arrow {
class DataType;
}

namespace polyscene::core {

// Whether a column of this type suits the form. Arrow's null type suits every form: the column holds only nulls.
[[nodiscard]] bool suits(const arrow::DataType& type, ColumnForm form);

// The forms in which ids are written in a column, or in the lists of a column, of a type that suits.
[[nodiscard]] IdForms id_forms(const arrow::DataType& type);

}  // namespace polyscene::core
