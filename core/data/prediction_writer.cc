#include "core/data/prediction_writer.h"

#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <parquet/properties.h>

#include <cmath>
#include <utility>

#include "core/data/arrow_reason.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

constexpr int64_t kRowGroupRows = 1 << 16;

template <class T>
T take(arrow::Result<T> result) {
  require<DataError>(result.ok(), "[data] cannot build a table of predictions: ", arrow_reason(result.status()));
  return std::move(result).ValueUnsafe();
}

std::shared_ptr<arrow::ChunkedArray> floats(const std::vector<float>& values) {
  arrow::FloatBuilder builder;
  const arrow::Status added = builder.AppendValues(values);
  require<DataError>(added.ok(), "[data] cannot build a table of predictions: ", arrow_reason(added));
  return std::make_shared<arrow::ChunkedArray>(take(builder.Finish()));
}

std::shared_ptr<arrow::Schema> with_scores(const arrow::Schema& carried, const std::vector<std::string>& labels) {
  arrow::FieldVector fields = carried.fields();
  for (const std::string& name : labels) fields.push_back(arrow::field("label_" + name, arrow::float32(), false));
  fields.push_back(arrow::field("logit", arrow::float32(), false));
  fields.push_back(arrow::field("probability", arrow::float32(), false));
  return arrow::schema(std::move(fields));
}

}  // namespace

PredictionWriter::PredictionWriter(std::string path, std::shared_ptr<arrow::Schema> carried,
                                   const std::vector<std::string>& labels)
    : carried_(std::move(carried)),
      schema_(with_scores(*carried_, labels)),
      output_("predictions", "--output", std::move(path), *schema_,
              parquet::WriterProperties::Builder().compression(parquet::Compression::ZSTD)->build()) {}

void PredictionWriter::write(const PredictionRows& rows) {
  if (rows.logits.empty()) return;
  arrow::ChunkedArrayVector columns = take(arrow::Table::FromRecordBatches(carried_, rows.carried))->columns();
  for (const auto& label : rows.labels) columns.push_back(floats(label));
  columns.push_back(floats(rows.logits));
  std::vector<float> probability;
  for (const float z : rows.logits) probability.push_back(1.0f / (1.0f + std::exp(-z)));
  columns.push_back(floats(probability));
  output_.write(*arrow::Table::Make(schema_, std::move(columns)), kRowGroupRows);
}

}  // namespace polyscene::core
