// The models that a run has saved. Each is a folder models/step-NNNNNNNNNN that never changes once it is whole; `model`
// and `best_model` are relative links to two of them, replaced atomically, so that a reader sees one model or the next.
#pragma once

#include <cstdint>
#include <string>

#include "core/run/run_folder.h"

namespace polyscene {

// All of it is for one rank at a time, on a run's folder that this job has locked. Throws DataError naming the path.
class RunModels {
 public:
  explicit RunModels(const RunFolder& run) : run_(run) {}

  // A name for the model of a step that no folder has: "step-0000000042", or with "-2" behind it.
  [[nodiscard]] std::string new_name(int64_t step) const;
  [[nodiscard]] std::string folder(const std::string& name) const { return run_.models() + "/" + name; }
  // Whether it is there; a name that is none is not.
  [[nodiscard]] bool has(const std::string& name) const;

  // Makes the link (run.model(), run.best_model()) one to that model. A folder in the link's place, which programs
  // before these links left, moves to models/earlier-... and stays.
  void link(const std::string& link, const std::string& name) const;
  // Removes the link; a folder in its place moves as above, and its new name is returned.
  std::string unlink(const std::string& link) const;
  // The model that a link names; empty where it is none.
  [[nodiscard]] std::string linked(const std::string& link) const;

  // The model that an unfinished checkpoint names, until the next call: it stays.
  void keep(const std::string& name) { kept_ = name; }
  // Removes what a job left unfinished, and every model but those that a link in the run's folder or a checkpoint
  // names, and those that a reader holds (held_model.h).
  void prune() const;

 private:
  std::string move_earlier_away(const std::string& link) const;

  const RunFolder& run_;
  std::string kept_;
};

}  // namespace polyscene
