// Steps on the way to a folder that all ranks write, and that is there whole or not at all.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "dist/communicator.h"

namespace polyscene {

// Runs `work` and makes all ranks fail when one does, the failing one with its own error, the others with its words.
// Collective.
void together(Communicator& communicator, const std::function<void()>& work);

// Each throws DataError naming the folder and what to try.
void make_folder(const std::string& path);
void remove_folder(const std::string& path);
void move_folder(const std::string& from, const std::string& to);
// Puts `aside` in the folder's place, and removes what was there. Whoever looks sees the old one or the new one, whole.
// Network file systems may know no exchange: then there is none for a moment.
void replace_folder(const std::string& folder, const std::string& aside);
// A folder on the way that goes, whatever it holds, unless it was released: it has its place then. Nobody learns where
// it cannot be removed. An empty path is none.
class PartialFolder {
 public:
  explicit PartialFolder(std::string path) : path_(std::move(path)) {}
  PartialFolder(const PartialFolder&) = delete;
  PartialFolder& operator=(const PartialFolder&) = delete;
  ~PartialFolder();
  void release() { path_.clear(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Its list of files, and with `files` those themselves, reach the disk.
void sync_folder(const std::string& path, bool files);

}  // namespace polyscene
