// Work of an emulated device that is recorded, to be done later any number of times, instead of being done.
#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace polyscene::simt {

using Work = std::function<void()>;

inline thread_local std::vector<Work>* the_recording = nullptr;

// While it lives, work of this thread is kept in `recorded`.
class Recording {
 public:
  explicit Recording(std::vector<Work>& recorded) { the_recording = &recorded; }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() { the_recording = nullptr; }
};

// Does one piece of a device's work, or records it.
inline void do_or_record(Work work) {
  if (the_recording == nullptr) return work();
  the_recording->push_back(std::move(work));
}

}  // namespace polyscene::simt
