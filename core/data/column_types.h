// Arrow types as the reader sees them.
#pragma once

#include "core/features/column_request.h"
#include "core/features/id_kinds.h"

namespace arrow {
class DataType;
}

namespace polyscene {

// Whether a column of this type can serve the form. One of Arrow's type null holds nulls for any of them.
[[nodiscard]] bool suits(const arrow::DataType& type, ColumnForm form);

// How the ids are written in a column, or in lists, of a type that suits.
[[nodiscard]] IdForms id_forms(const arrow::DataType& type);

}  // namespace polyscene
