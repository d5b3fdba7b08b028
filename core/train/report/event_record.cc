#include "core/train/report/event_record.h"

#include <bit>

#include "core/train/report/crc32c.h"

namespace polyscene::core {
namespace {

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
enum EventField : uint32_t { kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5 };
enum SummaryField : uint32_t { kValue = 1 };
enum ValueField : uint32_t { kTag = 1, kSimpleValue = 2 };
// Wire types of the protobuf encoding.
enum Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

template <class T>
void put_little_endian(std::string& out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_key(std::string& out, uint32_t field, Wire wire) { put_varint(out, field << 3 | wire); }

void put_double(std::string& out, uint32_t field, double value) {
  put_key(out, field, kFixed64);
  put_little_endian(out, std::bit_cast<uint64_t>(value));
}

void put_float(std::string& out, uint32_t field, float value) {
  put_key(out, field, kFixed32);
  put_little_endian(out, std::bit_cast<uint32_t>(value));
}

void put_int64(std::string& out, uint32_t field, int64_t value) {
  put_key(out, field, kVarint);
  put_varint(out, value);
}

void put_bytes(std::string& out, uint32_t field, std::string_view bytes) {
  put_key(out, field, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

}  // namespace

std::string version_event(double wall_time_s) {
  std::string event;
  put_double(event, kWallTime, wall_time_s);
  put_bytes(event, kFileVersion, "brain.Event:2");
  return event;
}

std::string scalar_event(double wall_time_s, int64_t step, const std::vector<std::pair<std::string, float>>& scalars) {
  std::string summary;
  for (const auto& [tag, number] : scalars) {
    std::string value;
    put_bytes(value, kTag, tag);
    put_float(value, kSimpleValue, number);
    put_bytes(summary, kValue, value);
  }
  std::string event;
  put_double(event, kWallTime, wall_time_s);
  put_int64(event, kStep, step);
  put_bytes(event, kSummary, summary);
  return event;
}

std::string tfrecord(std::string_view data) {
  std::string record;
  put_little_endian(record, uint64_t{data.size()});
  put_little_endian(record, masked_crc32c(record));
  record += data;
  put_little_endian(record, masked_crc32c(data));
  return record;
}

}  // namespace polyscene::core
