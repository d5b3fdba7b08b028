#include "core/data/reject_log.h"

#include <arrow/util/utf8.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "core/data/file_list.h"
#include "core/data/nullable_hint.h"
#include "core/features/value_faults.h"
#include "ops/base/error.h"
#include "ops/base/ratio.h"
#include "ops/base/warning.h"

namespace polyscene::core {
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

RejectLog::RejectLog(const ReadPlan& plan) : plan_(plan) { arrow::util::InitializeUTF8(); }

RejectLog::~RejectLog() {
  try {
    write_last_line();
  } catch (const DataError&) {
    // A destructor must not throw. The rows are counted anyway.
  }
}

void RejectLog::start_epoch() {
  read_ = bad_ = unlisted_ = 0;
  first_.clear();
}

void RejectLog::add(const ReadBatch& batch) {
  read_ += batch.counters.rows_read;
  bad_ += batch.counters.rows_bad;
  for (const BadRecord& bad : batch.bad)
    if (first_.size() < kShown) first_.push_back(bad);
  if (!plan_.options.reject_file.empty()) list(batch);
  if (read_ >= kJudgedFrom) judge();
}

void RejectLog::finish_epoch() {
  try {
    write_last_line();
  } catch (const DataError&) {
    if (plan_.options.rejects_needed) throw;
  }
  judge();
}

void RejectLog::list(const ReadBatch& batch) {
  std::vector<const BadRecord*> fresh;
  for (const BadRecord& bad : batch.bad) {
    if (listed_.contains(bad.row_in_split)) continue;
    if (static_cast<int64_t>(listed_.size() + fresh.size()) < kMostRejectLines)
      fresh.push_back(&bad);
    else
      ++unlisted_;
  }
  if (fresh.empty()) return;
  try {
    write(fresh);
    for (const BadRecord* bad : fresh) listed_.insert(bad->row_in_split);
  } catch (const DataError& error) {
    if (plan_.options.rejects_needed) throw;
    unlisted_ += std::ssize(fresh);
    if (!warned_) warn(str("bad records are counted, but not all are listed: ", error.what()));
    warned_ = true;
  }
}

void RejectLog::write(const std::vector<const BadRecord*>& bad) {
  if (!file_) file_.emplace(plan_.options.reject_file);
  file_->cut_back(listed_bytes_);
  for (const BadRecord* one : bad) file_->add(json_line(plan_.split.files[one->file].path, *one));
  file_->flush();
  listed_bytes_ = file_->bytes();
}

void RejectLog::write_last_line() {
  most_unlisted_ = std::max(most_unlisted_, unlisted_);
  if (!file_ || most_unlisted_ == 0) return;
  file_->cut_back(listed_bytes_);
  file_->add(
      str("{\"left_out\": ", most_unlisted_, ", \"reason\": \"a rank lists at most ", kMostRejectLines, " rows\"}\n"));
  file_->flush();
}

void RejectLog::judge() const {
  const double allowed = plan_.data.max_bad_share();
  if (static_cast<double>(bad_) <= allowed * static_cast<double>(read_)) return;
  const std::string& named = plan_.options.named;
  const std::string what =
      named.empty() ? str("in this epoch of split ", split_name(plan_.options.split)) : "of " + named;
  std::string message = str("[data] ", bad_, " of the ", read_, " rows read ", what, " are bad, a share of ",
                            ratio(bad_, read_), "; data.max_bad_share allows ", allowed, ". First ones:");
  std::set<std::string> null_columns;
  for (const BadRecord& bad : first_) {
    if (is_missing_fault(bad.reason)) null_columns.insert(bad.column);
    message += str("\n  \"", plan_.split.files[bad.file].path, "\" row ", bad.row_in_file, ", column \"", bad.column,
                   "\": ", bad.reason, ", got ", bad.value);
  }
  const std::string& path = plan_.options.reject_file;
  const std::string advice = named.empty() ? "Correct the files or raise data.max_bad_share."
                                           : "Correct the file, or export with another data.max_bad_share.";
  message += path.empty() ? "\n" + advice
                          : str(unlisted_ == 0 ? "\nAll are in \"" : "\nThe first are in \"", path, "\". ", advice);
  const std::string hint = nullable_hint(plan_.data, null_columns);
  throw DataError(hint.empty() ? message : message + "\n" + hint);
}

}  // namespace polyscene::core
