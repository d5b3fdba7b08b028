// The run that `train --overwrite` replaces, while it does: whole, in RUN/.replaced, until the new one has saved a
// model. It gets there and back by renames within the run's folder, so that a job that is killed at any moment leaves:
//   .replacing/  entries on their way there or back; no new run has begun
//   .replaced/   all of it; the other entries are of the new run
//   .removing/   what nobody needs any more
// For the job that holds the run's lock alone; `entries` are the names of what may belong to a run.
#pragma once

#include <string>
#include <vector>

namespace polyscene {

class ReplacedRun {
 public:
  ReplacedRun(const std::string& run, std::vector<std::string> entries);

  // Names in the folder of a run that are neither of the run nor another's.
  [[nodiscard]] static const std::vector<std::string>& names();
  [[nodiscard]] bool is_there() const;
  [[nodiscard]] const std::string& folder() const { return replaced_; }

  // Moves all entries that are there. Throws DataError, with all of them back, where one cannot be moved.
  void set_aside() const;
  // Removes the new run's entries and moves the others back. Throws DataError naming what stands in the way.
  void put_back() const;
  // It goes, once the new run's files are on the disk. Throws DataError.
  void discard() const;
  // Ends what a killed job had begun, except that a whole .replaced stays. Returns whether entries came back.
  bool settle_moves() const;
  // Whether settle_moves() has something to do.
  [[nodiscard]] bool moves_are_open() const;

 private:
  bool move_all(const std::string& from, const std::string& to) const;  // whether there were any
  void clear(const std::string& entry) const;
  void remove(const std::string& path) const;

  std::string run_, replacing_, replaced_, removing_;
  std::vector<std::string> entries_;
};

}  // namespace polyscene
