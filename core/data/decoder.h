// Decodes record batches into windows: one decoder per feature, label or key, each a typed columnar loop that checks
// the values too. Decoders are immutable and shared by threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/data/window.h"
#include "core/features/column_request.h"
#include "core/features/feature_schema.h"
#include "core/features/value_faults.h"

namespace arrow {
class RecordBatch;
}

namespace polyscene::core {

class Decoder {
 public:
  virtual ~Decoder() = default;
  // Fills rows [first, first + batch.num_rows()) of the window, which append_rows() has added, and rejects bad rows.
  virtual void decode(const arrow::RecordBatch& batch, int64_t first, Window& window) const = 0;
};

// The column of Batch that a key column is decoded into.
struct KeyTarget {
  enum Kind { kField, kGroup, kScenario, kRowKey, kTime } kind;
  size_t index = 0;  // index into Batch::fields or Batch::groups
};

std::unique_ptr<Decoder> make_key_decoder(const std::string& column, int place, KeyTarget target, bool nullable,
                                          KeyLimits limits);
// `place`, of all decoders: index of the column in the record batch. `bucket`: index into Batch::fields of a bucketised
// number. `slot`: index among the `slots` plain numbers.
std::unique_ptr<Decoder> make_bucket_decoder(const std::string& column, int place, const config::Number& number,
                                             size_t bucket);
std::unique_ptr<Decoder> make_number_decoder(const std::string& column, int place, const config::Number& number,
                                             size_t slot, size_t slots);
std::unique_ptr<Decoder> make_label_decoder(const std::string& column, int place, size_t index);
// `weight_place`: index of the weight column, -1 without weights.
std::unique_ptr<Decoder> make_bag_decoder(const std::string& column, int place, int weight_place,
                                          const config::Bag& bag, size_t index);
std::unique_ptr<Decoder> make_sequence_decoder(std::vector<int> places, const config::Sequence& sequence, size_t index);

// All decoders of a configuration together.
class RowDecoder {
 public:
  RowDecoder(const config::Data& data, const FeatureSchema& schema, const ColumnSet& columns);
  // Appends the batch's rows to the window. `span` gives the file and row of the first one; its `first` is set here.
  void append(const arrow::RecordBatch& batch, RowSpan span, Window& window) const;

 private:
  const FeatureSchema schema_;
  bool times_, row_keys_, scenario_;
  std::vector<std::unique_ptr<Decoder>> decoders_;
};

}  // namespace polyscene::core
