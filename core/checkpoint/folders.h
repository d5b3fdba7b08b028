// Tools to write a folder such that it appears whole or not at all.
#pragma once

#include <string>
#include <utility>

namespace polyscene::core {

// Each throws DataError naming the folder and what to try.
void make_folder(const std::string& path);
void remove_folder(const std::string& path);
void move_folder(const std::string& from, const std::string& to);
// Replaces `folder` by `aside`, and removes what was there. A reader sees either the old folder or the new one, whole.
// On a file system that cannot exchange two folders atomically, as some network file systems, the folder is missing for
// a moment.
void replace_folder(const std::string& folder, const std::string& aside);
// Owner of an unfinished folder: the destructor removes it with all it holds, unless release() was called, and ignores
// errors. An empty path owns nothing.
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

// Syncs the folder's list of files to disk, and with `files` also the files in it.
void sync_folder(const std::string& path, bool files);

}  // namespace polyscene::core
