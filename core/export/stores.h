// The rows of a trained model as embedding stores of an exported version: all of them, or those that another version
// has not. Tables pass through memory piece by piece.
#pragma once

#include <cstdint>
#include <string>

#include "core/models/model.h"
#include "core/serve/embedding_store.h"
#include "core/serve/served_model.h"

namespace polyscene {

// The tables of `model` from the folder of a trained model into that of a version. Throws DataError.
void write_stores(const Model& model, const std::string& trained, const std::string& version, RowFormat format);

struct ChangedRows {
  int64_t changed = 0, gone = 0, all = 0;  // against the base; all: rows of the model
};
// Only rows that `base` has not, or has with other values. Rows that are there and no longer here are written as zeros,
// which is what a key without a row scores as. Throws InvalidArgument where tables differ in more than rows.
[[nodiscard]] ChangedRows write_changed_stores(const Model& model, const std::string& trained,
                                               const std::string& version, const ServedModel& base);

}  // namespace polyscene
