// The models that a run has saved. Each is a folder models/step-NNNNNNNNNN that never changes once it is whole; `model`
// and `best_model` are relative links to two of them, replaced atomically, so that a reader sees one model or the next.
#pragma once

#include <cstdint>
#include <string>

#include "core/run/run_folder.h"

namespace polyscene::core {

// For use by one rank at a time, on the folder of a run that this job has locked. Every function throws DataError
// naming the path.
class RunModels {
 public:
  explicit RunModels(const RunFolder& run) : run_(run) {}

  // An unused name for the model of a step: "step-0000000042", or the same with "-2" appended and so on.
  [[nodiscard]] std::string new_name(int64_t step) const;
  [[nodiscard]] std::string folder(const std::string& name) const { return run_.models() + "/" + name; }
  // Whether there is a model of that name; false for a text that is no model's name.
  [[nodiscard]] bool has(const std::string& name) const;

  // Points the link (run.model() or run.best_model()) to that model. A folder in the link's place, left by a version
  // without links, is moved to models/earlier-... and kept.
  void link(const std::string& link, const std::string& name) const;
  // Removes the link. A folder in its place is moved like in link(), and its new name is returned.
  std::string unlink(const std::string& link) const;
  // Name of the model that a link points to; empty when it points to none.
  [[nodiscard]] std::string linked(const std::string& link) const;

  // Keeps the model that an unfinished checkpoint names from prune(), until the next call.
  void keep(const std::string& name) { kept_ = name; }
  // Removes unfinished models, and every model that no link in the run's folder and no checkpoint names and no reader
  // holds (held_model.h).
  void prune() const;

 private:
  std::string move_earlier_away(const std::string& link) const;

  const RunFolder& run_;
  std::string kept_;
};

}  // namespace polyscene::core
