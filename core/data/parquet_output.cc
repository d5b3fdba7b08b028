#include "core/data/parquet_output.h"

#include <arrow/table.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/data/arrow_reason.h"
#include "core/data/descriptor_stream.h"
#include "core/files/file_advice.h"
#include "core/files/output_place.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace fs = std::filesystem;

struct ParquetOutput::State {
  OutputPlace place;
  std::string contents;
  std::string path;  // as the user names it
  std::shared_ptr<DescriptorStream> file;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  bool finished = false;

  ~State() {
    if (file == nullptr || finished || place.kind != OutputPlace::Kind::kFile) return;
    std::error_code ignored;
    fs::remove(place.partial(), ignored);
  }

  [[nodiscard]] std::string failure() const { return str("[data] cannot write ", contents, " to ", path, ": "); }
  // Runs Arrow or Parquet code and turns its errors, statuses and exceptions, into a DataError.
  template <class Body>
  void guarded(Body&& body) const {
    try {
      const arrow::Status status = body();
      require<DataError>(status.ok(), failure(), arrow_reason(status), file_advice(file->error(), place.path));
    } catch (const parquet::ParquetException& e) {
      throw DataError(str(failure(), e.what(), file_advice(file->error(), place.path)));
    }
  }
};

ParquetOutput::ParquetOutput(std::string contents, const std::string& option, std::string path,
                             const arrow::Schema& schema, std::shared_ptr<parquet::WriterProperties> properties)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.contents = std::move(contents);
  s.path = std::move(path);
  s.place = output_place(option, s.path);
  const int opened = open_output(s.place);
  require<DataError>(opened >= 0, s.failure(), errno == EBUSY ? "another process is writing it" : std::strerror(errno),
                     file_advice(errno, s.place.path));
  s.file = std::make_shared<DescriptorStream>(opened);
  // The stored Arrow schema restores types that Parquet does not have.
  const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  s.guarded([&] {
    return parquet::arrow::FileWriter::Open(schema, arrow::default_memory_pool(), s.file, std::move(properties),
                                            arrow_properties)
        .Value(&s.writer);
  });
}

ParquetOutput::~ParquetOutput() = default;

void ParquetOutput::write(const arrow::Table& rows, int64_t row_group_rows) {
  state_->guarded([&] { return state_->writer->WriteTable(rows, row_group_rows); });
}

void ParquetOutput::finish() {
  State& s = *state_;
  s.guarded([&] { return s.writer->Close(); });
  s.guarded([&] { return s.file->Close(); });
  if (s.place.kind == OutputPlace::Kind::kFile) {
    std::error_code error;
    fs::rename(s.place.partial(), s.place.path, error);
    require<DataError>(!error, "[data] cannot move ", s.place.partial(), " to ", s.place.path, ": ", error.message(),
                       file_advice(error.value(), s.place.path));
  }
  s.finished = true;
}

}  // namespace polyscene::core
