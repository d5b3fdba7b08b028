// Records work of an emulated device instead of doing it, so that it can be done later any number of times.
#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace polyscene::simt {

using Work = std::function<void()>;

inline thread_local std::vector<Work>* the_recording = nullptr;

// During its lifetime, work of this thread is appended to `recorded`.
class Recording {
 public:
  explicit Recording(std::vector<Work>& recorded) { the_recording = &recorded; }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() { the_recording = nullptr; }
};

// Does one piece of a device's work, or records it if a Recording exists on this thread.
inline void do_or_record(Work work) {
  if (the_recording == nullptr) return work();
  the_recording->push_back(std::move(work));
}

}  // namespace polyscene::simt
