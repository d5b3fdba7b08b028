#include "core/data/carrier.h"

#include <arrow/array/array_base.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <arrow/extension_type.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <numeric>
#include <type_traits>

#include "core/data/array_values.h"
#include "core/data/arrow_reason.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;

void check_carried(const arrow::Status& status, const std::string& column) {
  require<DataError>(status.ok(), "[data] cannot copy column \"", column, "\": ", arrow_reason(status),
                     "; leave it out, or write it in another type");
}

template <class T>
T take_carried(arrow::Result<T> result, const std::string& column) {
  check_carried(result.status(), column);
  return std::move(result).ValueUnsafe();
}

template <class Builder>
ArrayPtr copy_texts(const arrow::Array& from, const std::string& column) {
  Builder builder;
  for (int64_t i = 0; i < from.length(); ++i)
    check_carried(from.IsNull(i) ? builder.AppendNull() : builder.Append(text_at(from, i)), column);
  return take_carried(builder.Finish(), column);
}

template <class Builder>
ArrayPtr copy_ids(const arrow::Array& from, const std::string& column) {
  using Id = typename Builder::value_type;
  std::vector<int64_t> keys(from.length());
  decode_keys(from, keys.data());
  const bool integers = arrow::is_integer(from.type_id()), large = from.type_id() == arrow::Type::UINT64;
  Builder builder;
  for (int64_t i = 0; i < from.length(); ++i) {
    const int64_t key = keys[i];
    const bool null = from.IsNull(i) || (!integers && key == kMissingKey);
    if (!null && large && key < 0 && !std::is_unsigned_v<Id>)
      throw DataError(str("[data] column \"", column, "\" holds ", value_text(from, i),
                          ", and signed integers in other files; write one type to all files"));
    check_carried(null ? builder.AppendNull() : builder.Append(static_cast<Id>(key)), column);
  }
  return take_carried(builder.Finish(), column);
}

// Converts a column to the common type. The types differ only for keys, see Carrier::fits.
ArrayPtr as_type(const TypePtr& type, const ArrayPtr& from, const std::string& column) {
  if (from->type()->Equals(type)) return from;
  if (from->type_id() == arrow::Type::NA) return take_carried(arrow::MakeArrayOfNull(type, from->length()), column);
  switch (type->id()) {
    case arrow::Type::STRING:
      return copy_texts<arrow::StringBuilder>(*from, column);
    case arrow::Type::BINARY:
      return copy_texts<arrow::BinaryBuilder>(*from, column);
    case arrow::Type::UINT64:
      return copy_ids<arrow::UInt64Builder>(*from, column);
    default:
      return copy_ids<arrow::Int64Builder>(*from, column);
  }
}

ArrayPtr running_numbers(int64_t first, int64_t rows) {
  std::vector<int64_t> numbers(rows);
  std::iota(numbers.begin(), numbers.end(), first);
  arrow::Int64Builder builder;
  check_carried(builder.AppendValues(numbers), "row_key");
  return take_carried(builder.Finish(), "row_key");
}

// The storage type of an extension type, since Arrow's builders do not support extension types.
TypePtr storage_of(const TypePtr& type) {
  const bool extension = type->id() == arrow::Type::EXTENSION;
  return extension ? static_cast<const arrow::ExtensionType&>(*type).storage_type() : type;
}

ArrayPtr storage_of(const ArrayPtr& array) {
  const bool extension = array->type_id() == arrow::Type::EXTENSION;
  return extension ? static_cast<const arrow::ExtensionArray&>(*array).storage() : array;
}

// Consecutive rows of what a window holds for one of its spans.
struct Piece {
  const arrow::RecordBatch* rows;
  int64_t first, count;
};

std::vector<Piece> pieces_of(std::span<const RowRun> runs) {
  std::vector<Piece> pieces;
  for (const RowRun& run : runs) {
    for (const int32_t row : run.rows) {
      const RowSpan& span = run.window->span_of(row);
      const arrow::RecordBatch* rows = run.window->carried[&span - run.window->spans.data()].get();
      const int64_t at = row - span.first;
      const bool next =
          !pieces.empty() && pieces.back().rows == rows && pieces.back().first + pieces.back().count == at;
      if (next)
        ++pieces.back().count;
      else
        pieces.push_back({rows, at, 1});
    }
  }
  return pieces;
}

}  // namespace

Carrier::Carrier(const std::vector<CarriedColumn>& columns, const ColumnSet& read) {
  for (const CarriedColumn& wanted : columns)
    columns_.push_back({.wanted = wanted,
                        .place = wanted.column.empty() ? -1 : read.index(wanted.column),
                        .type = nullptr,
                        .file = {}});
}

void Carrier::see(const ParquetFile& file) {
  for (Column& column : columns_) {
    if (column.place < 0) continue;
    const TypePtr type = file.arrow_type(column.wanted.column);
    if (column.type == nullptr || column.type->id() == arrow::Type::NA) {
      column.type = type;
      column.file = file.path();
    }
    if (type->id() == arrow::Type::NA) continue;
    if (column.wanted.key) see_key(column, *type);
    require<DataError>(fits(column, *type), "[data] \"", file.path(), "\", column \"", column.wanted.column,
                       "\": ", column.wanted.user, " wants one type in all files, got ", type->ToString(), ", and ",
                       column.type->ToString(), " in \"", column.file,
                       "\"; write one type to all files, or leave the column out");
  }
}

void Carrier::see_key(Column& column, const arrow::DataType& type) {
  if (holds_texts(type)) {
    column.texts = true;
    column.bytes = column.bytes || holds_bytes(type);
  } else if (arrow::is_integer(type.id()) || type.id() == arrow::Type::BOOL) {
    column.whole = true;
    column.large = column.large || type.id() == arrow::Type::UINT64;
    column.negative = column.negative || !arrow::is_unsigned_integer(type.id());
  } else {
    column.others = true;
  }
}

bool Carrier::fits(const Column& column, const arrow::DataType& type) {
  if (column.texts) return !column.whole && !column.others;
  return column.whole || column.type->Equals(type);
}

TypePtr Carrier::type_of(const Column& column) {
  if (column.texts) return column.bytes ? arrow::binary() : arrow::utf8();
  const bool any_key = column.wanted.key && (column.type == nullptr || column.type->id() == arrow::Type::NA);
  if (!any_key && !column.whole) return column.type;
  return column.large && !column.negative && !column.others ? arrow::uint64() : arrow::int64();
}

std::shared_ptr<arrow::Schema> Carrier::schema() const {
  arrow::FieldVector fields;
  for (const Column& column : columns_) fields.push_back(arrow::field(column.wanted.name, type_of(column)));
  return arrow::schema(std::move(fields));
}

std::shared_ptr<arrow::RecordBatch> Carrier::pick(const arrow::RecordBatch& read, int64_t first_in_split) const {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const Column& column : columns_) {
    arrays.push_back(column.place < 0
                         ? running_numbers(first_in_split, read.num_rows())
                         : storage_of(as_type(type_of(column), read.column(column.place), column.wanted.column)));
    fields.push_back(arrow::field(column.wanted.name, arrays.back()->type()));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), read.num_rows(), std::move(arrays));
}

std::shared_ptr<arrow::RecordBatch> Carrier::gather(std::span<const RowRun> runs) const {
  const std::vector<Piece> pieces = pieces_of(runs);
  int64_t rows = 0;
  for (const Piece& piece : pieces) rows += piece.count;
  arrow::ArrayVector arrays;
  for (size_t c = 0; c < columns_.size(); ++c) {
    const std::string& name = columns_[c].wanted.name;
    const TypePtr type = type_of(columns_[c]);
    const auto builder = take_carried(arrow::MakeBuilderExactIndex(storage_of(type)), name);
    for (const Piece& piece : pieces) {
      const arrow::ArraySpan values(*piece.rows->column_data(static_cast<int>(c)));
      check_carried(builder->AppendArraySlice(values, piece.first, piece.count), name);
    }
    const ArrayPtr values = take_carried(builder->Finish(), name);
    arrays.push_back(type->id() == arrow::Type::EXTENSION ? arrow::ExtensionType::WrapArray(type, values) : values);
  }
  return arrow::RecordBatch::Make(schema(), rows, std::move(arrays));
}

}  // namespace polyscene::core
