#include "core/train/report/event_file.h"

#include <unistd.h>

#include <array>
#include <filesystem>

#include "core/train/report/event_record.h"
#include "ops/base/error.h"

namespace polyscene::core {
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
    : path_(new_path(folder, static_cast<int64_t>(wall_time_s))), file_(path_), flushed_s_(wall_time_s) {
  file_.add(tfrecord(version_event(wall_time_s)));
  flush();
}

void EventFile::write(double wall_time_s, int64_t step, const std::vector<std::pair<std::string, float>>& scalars) {
  file_.add(tfrecord(scalar_event(wall_time_s, step, scalars)));
  if (wall_time_s - flushed_s_ < kFlushEvery_s) return;
  flushed_s_ = wall_time_s;
  flush();
}

void EventFile::flush() { file_.flush(); }

}  // namespace polyscene::core
