// The run that `train --overwrite` replaces. It stays whole in RUN/.replaced until the new run has saved a model. Only
// renames within the run's folder move it there and back, so a job that is killed at any moment leaves these folders:
//   .replacing/  entries that were being moved there or back; no new run has begun
//   .replaced/   the whole earlier run; the other entries are of the new run
//   .removing/   entries that nobody needs any more
#pragma once

#include <string>
#include <vector>

namespace polyscene::core {

// Only for the job that holds the run's lock.
class ReplacedRun {
 public:
  // `entries`: the names of all entries that may belong to a run.
  ReplacedRun(const std::string& run, std::vector<std::string> entries);

  // Names of the folders listed above.
  [[nodiscard]] static const std::vector<std::string>& names();
  [[nodiscard]] bool is_there() const;
  [[nodiscard]] const std::string& folder() const { return replaced_; }

  // Moves all existing entries to .replaced. Throws DataError when one cannot be moved; then all are back.
  void set_aside() const;
  // Removes the new run's entries and moves the others back. Throws DataError naming what cannot be moved.
  void put_back() const;
  // Syncs the new run's files to disk, then removes the earlier run. Throws DataError.
  void discard() const;
  // Completes the moves and removals that a killed job had begun; a whole .replaced stays. Returns whether entries came
  // back.
  bool settle_moves() const;
  // Whether settle_moves() has anything to do.
  [[nodiscard]] bool moves_are_open() const;

 private:
  bool move_all(const std::string& from, const std::string& to) const;  // returns whether there were any
  void clear(const std::string& entry) const;
  void remove(const std::string& path) const;

  std::string run_, replacing_, replaced_, removing_;
  std::vector<std::string> entries_;
};

}  // namespace polyscene::core
