// Writes the rows of a trained model as embedding stores of an exported version: all rows, or those that differ from
// another version. Tables pass through memory piece by piece.
#pragma once

#include <cstdint>
#include <string>

#include "core/models/model.h"
#include "core/serve/embedding_store.h"
#include "core/serve/served_model.h"

namespace polyscene::core {

// Writes the tables of `model` from the folder `trained` of a model into the folder `version`. Throws DataError.
void write_stores(const Model& model, const std::string& trained, const std::string& version, RowFormat format);

struct ChangedRows {
  int64_t changed = 0, gone = 0, all = 0;  // changed, gone: compared with the base; all: rows of the model
};
// Like write_stores(), but writes only rows that `base` does not have or has with other values. Rows of the base that
// the model no longer has are written as zeros, because a key without a row reads as zeros. Throws InvalidArgument when
// the base lacks a table or has it with another dim.
[[nodiscard]] ChangedRows write_changed_stores(const Model& model, const std::string& trained,
                                               const std::string& version, const ServedModel& base);

}  // namespace polyscene::core
