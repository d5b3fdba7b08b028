#include "core/data/prediction_writer.h"

#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <parquet/arrow/writer.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "core/data/arrow_reason.h"
#include "core/data/descriptor_stream.h"
#include "core/files/file_advice.h"
#include "core/files/output_place.h"
#include "ops/base/error.h"

namespace polyscene {
namespace fs = std::filesystem;

struct PredictionWriter::State {
  OutputPlace place;
  std::string path;  // as the user names it
  std::shared_ptr<arrow::Schema> carried, schema;
  std::shared_ptr<DescriptorStream> file;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  bool finished = false;

  ~State() {
    if (file == nullptr || finished || place.kind != OutputPlace::Kind::kFile) return;
    std::error_code ignored;
    fs::remove(place.partial(), ignored);
  }

  void check(const arrow::Status& status) const {
    require<DataError>(status.ok(), "[data] cannot write predictions to ", path, ": ", arrow_reason(status),
                       file_advice(file->error(), place.path));
  }
  template <class T>
  T take(arrow::Result<T> result) const {
    check(result.status());
    return std::move(result).ValueUnsafe();
  }
  std::shared_ptr<arrow::ChunkedArray> floats(const std::vector<float>& values) const {
    arrow::FloatBuilder builder;
    check(builder.AppendValues(values));
    return std::make_shared<arrow::ChunkedArray>(take(builder.Finish()));
  }
};

PredictionWriter::PredictionWriter(std::string path, std::shared_ptr<arrow::Schema> carried,
                                   const std::vector<std::string>& labels)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.path = std::move(path);
  s.place = output_place("--output", s.path);
  arrow::FieldVector fields = carried->fields();
  for (const std::string& name : labels) fields.push_back(arrow::field("label_" + name, arrow::float32(), false));
  fields.push_back(arrow::field("logit", arrow::float32(), false));
  fields.push_back(arrow::field("probability", arrow::float32(), false));
  s.carried = std::move(carried);
  s.schema = arrow::schema(std::move(fields));
  const int opened = open_output(s.place);
  require<DataError>(opened >= 0, "[data] cannot write predictions to ", s.path, ": ",
                     errno == EBUSY ? "another process is writing it" : std::strerror(errno),
                     file_advice(errno, s.place.path));
  s.file = std::make_shared<DescriptorStream>(opened);
  const auto properties = parquet::WriterProperties::Builder().compression(parquet::Compression::ZSTD)->build();
  // The stored Arrow schema restores types that Parquet does not have.
  const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  s.writer = s.take(
      parquet::arrow::FileWriter::Open(*s.schema, arrow::default_memory_pool(), s.file, properties, arrow_properties));
}

PredictionWriter::~PredictionWriter() = default;

void PredictionWriter::write(const PredictionRows& rows) {
  const State& s = *state_;
  if (rows.logits.empty()) return;
  arrow::ChunkedArrayVector columns = s.take(arrow::Table::FromRecordBatches(s.carried, rows.carried))->columns();
  for (const auto& label : rows.labels) columns.push_back(s.floats(label));
  columns.push_back(s.floats(rows.logits));
  std::vector<float> probability;
  for (const float z : rows.logits) probability.push_back(1.0f / (1.0f + std::exp(-z)));
  columns.push_back(s.floats(probability));
  s.check(s.writer->WriteTable(*arrow::Table::Make(s.schema, std::move(columns)), 1 << 16));
}

void PredictionWriter::finish() {
  State& s = *state_;
  s.check(s.writer->Close());
  s.check(s.file->Close());
  if (s.place.kind == OutputPlace::Kind::kFile) {
    std::error_code error;
    fs::rename(s.place.partial(), s.place.path, error);
    require<DataError>(!error, "[data] cannot move ", s.place.partial(), " to ", s.place.path, ": ", error.message(),
                       file_advice(error.value(), s.place.path));
  }
  s.finished = true;
}

}  // namespace polyscene
