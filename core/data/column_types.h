// Arrow types as the reader sees them.
#pragma once

#include "core/data/column_request.h"

namespace arrow {
class DataType;
}

namespace polyscene {

// Whether a column of this type can serve the form.
[[nodiscard]] bool suits(const arrow::DataType& type, ColumnForm form);

}  // namespace polyscene
