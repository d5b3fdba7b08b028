#include "core/train/report/event_file.h"

#include <unistd.h>

#include <array>
#include <filesystem>

#include "core/train/report/event_record.h"
#include "core/train/report/output.h"
#include "ops/base/error.h"

namespace polyscene {
namespace {

constexpr double kFlushEvery_s = 10;

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != 0 ? name.data() : "localhost";
}

std::string new_path(const std::string& folder, int64_t second) {
  const auto path = [&] { return str(folder, "/events.out.tfevents.", second, ".", host_name(), ".polyscene"); };
  std::error_code error;
  while (std::filesystem::is_regular_file(path(), error)) ++second;
  return path();
}

}  // namespace

EventFile::EventFile(const std::string& folder, double wall_time_s)
    : path_(new_path(folder, static_cast<int64_t>(wall_time_s))), out_(create_output(path_)), flushed_s_(wall_time_s) {
  put(version_event(wall_time_s));
  flush();
}

void EventFile::put(const std::string& event) {
  const std::string record = tfrecord(event);
  out_.write(record.data(), static_cast<std::streamsize>(record.size()));
}

void EventFile::write(double wall_time_s, int64_t step, const std::vector<std::pair<std::string, float>>& scalars) {
  put(scalar_event(wall_time_s, step, scalars));
  if (out_.good() && wall_time_s - flushed_s_ < kFlushEvery_s) return;
  flush();
  flushed_s_ = wall_time_s;
}

void EventFile::flush() { flush_output(out_, path_); }

}  // namespace polyscene
