#include "core/data/reject_log.h"

#include <arrow/util/utf8.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/data/file_list.h"
#include "ops/base/error.h"

namespace polyscene {
namespace {

constexpr int64_t kJudgedFrom = 1000;  // rows
constexpr size_t kShown = 5;

std::string json_text(const std::string& text) {
  const bool utf8 = arrow::util::ValidateUTF8(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(byte));
      out += escape;
    } else {
      out += byte >= 0x80 && !utf8 ? '?' : c;
    }
  }
  return out + "\"";
}

}  // namespace

std::string json_line(const std::string& file, const BadRecord& bad) {
  return str("{\"file\": ", json_text(file), ", \"row\": ", bad.row_in_file, ", \"column\": ", json_text(bad.column),
             ", \"reason\": ", json_text(bad.reason), ", \"value\": ", json_text(bad.value), "}\n");
}

RejectLog::RejectLog(const ReadPlan& plan) : plan_(plan) {
  arrow::util::InitializeUTF8();
  const std::string& path = plan.options.reject_file;
  if (path.empty()) return;
  errno = 0;
  file_.open(path, std::ios::trunc);
  require<DataError>(file_.good(), "[data] cannot create the reject file \"", path, "\": ", std::strerror(errno),
                     "; make its folder or choose another place");
}

void RejectLog::start_epoch() {
  read_ = bad_ = 0;
  first_.clear();
}

void RejectLog::add(const ReadBatch& batch) {
  read_ += batch.counters.rows_read;
  bad_ += batch.counters.rows_bad;
  errno = 0;
  for (const BadRecord& bad : batch.bad) {
    if (first_.size() < kShown) first_.push_back(bad);
    if (file_.is_open()) write(bad);
  }
  if (!batch.bad.empty() && file_.is_open()) {
    file_.flush();
    require<DataError>(file_.good(), "[data] cannot write to the reject file \"", plan_.options.reject_file,
                       "\": ", std::strerror(errno), "; free space or choose another place");
  }
  if (read_ >= kJudgedFrom) judge();
}

void RejectLog::finish_epoch() const { judge(); }

void RejectLog::write(const BadRecord& bad) {
  if (written_.insert(bad.row_in_split).second) {
    file_ << json_line(plan_.split.files[static_cast<size_t>(bad.file)].path, bad);
  }
}

void RejectLog::judge() const {
  const double allowed = plan_.data.max_bad_share();
  if (static_cast<double>(bad_) <= allowed * static_cast<double>(read_)) return;
  std::string message =
      str("[data] ", bad_, " of the ", read_, " rows read in this epoch of split ", split_name(plan_.options.split),
          " are bad, a share of ", static_cast<double>(bad_) / static_cast<double>(read_),
          "; data.max_bad_share allows ", allowed, ". First ones:");
  for (const BadRecord& bad : first_) {
    message += str("\n  \"", plan_.split.files[static_cast<size_t>(bad.file)].path, "\" row ", bad.row_in_file,
                   ", column \"", bad.column, "\": ", bad.reason, ", got ", bad.value);
  }
  const std::string& path = plan_.options.reject_file;
  message += path.empty() ? "\nMend the files or raise data.max_bad_share."
                          : str("\nAll are in \"", path, "\". Mend the files or raise data.max_bad_share.");
  throw DataError(message);
}

}  // namespace polyscene
