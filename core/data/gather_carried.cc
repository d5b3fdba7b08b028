#include "core/data/gather_carried.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include <array>
#include <cstring>

#include "core/data/arrow_reason.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

using RowsPtr = std::shared_ptr<arrow::RecordBatch>;

void check_gathered(const arrow::Status& status) {
  require<DataError>(status.ok(), "[data] cannot send carried columns to other ranks: ", arrow_reason(status),
                     "; carry fewer columns, or score on one rank");
}

template <class T>
T take_gathered(arrow::Result<T> result) {
  check_gathered(result.status());
  return std::move(result).ValueUnsafe();
}

std::shared_ptr<arrow::Buffer> to_stream(const arrow::RecordBatch& rows) {
  const auto sink = take_gathered(arrow::io::BufferOutputStream::Create());
  const auto writer = take_gathered(arrow::ipc::MakeStreamWriter(sink, rows.schema()));
  check_gathered(writer->WriteRecordBatch(rows));
  check_gathered(writer->Close());
  return take_gathered(sink->Finish());
}

// Copies the bytes into a buffer of its own, since Arrow needs them aligned to 8 bytes.
RowsPtr from_stream(const char* bytes, size_t size) {
  auto buffer = take_gathered(arrow::AllocateBuffer(size));
  std::memcpy(buffer->mutable_data(), bytes, size);
  const auto input = std::make_shared<arrow::io::BufferReader>(std::shared_ptr<arrow::Buffer>(std::move(buffer)));
  const auto reader = take_gathered(arrow::ipc::RecordBatchStreamReader::Open(input));
  return take_gathered(reader->Next());
}

}  // namespace

std::vector<RowsPtr> gather_carried(const RowsPtr& mine, dist::Communicator& communicator) {
  if (communicator.size() == 1) return {mine};
  const std::shared_ptr<arrow::Buffer> stream = to_stream(*mine);
  const std::array<int64_t, 1> size = {stream->size()};
  const std::vector<int64_t> sizes = communicator.all_gather_v<int64_t>(size);
  const std::vector<char> all =
      communicator.all_gather_v<char>(std::span(reinterpret_cast<const char*>(stream->data()), stream->size()));
  std::vector<RowsPtr> rows;
  size_t at = 0;
  for (const int64_t bytes : sizes) {
    rows.push_back(from_stream(all.data() + at, bytes));
    at += bytes;
  }
  return rows;
}

}  // namespace polyscene::core
