#include "core/config/load.h"

#include <google/protobuf/text_format.h>

#include <filesystem>

#include "core/config/check.h"
#include "core/config/experiment.pb.h"
#include "core/config/include.h"
#include "core/config/override.h"
#include "core/config/plain_form.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

namespace fs = std::filesystem;
using config_text::Place;
using config_text::Problems;
using config_text::SourceTree;

// The folder that a relative path at `place` is relative to: the file's own, or the current one for an override.
fs::path folder_of(const Place& place) {
  return place.line > 0 ? fs::absolute(place.file).parent_path() : fs::current_path();
}

// The folder of the file that sets the file patterns; patterns from files in different folders are a problem. The
// current folder if all patterns come from overrides; empty if no pattern needs a folder.
fs::path folder_of_patterns(const config::Data& data, const SourceTree& places, Problems& problems) {
  fs::path folder, fallback;
  std::string first;
  const auto look = [&](const std::string& list, const auto& patterns) {
    for (int i = 0; i < patterns.size(); ++i) {
      const std::string path = str("data.", list, "[", i, "]");
      const Place& place = places.place_of(path);
      if (fs::path(patterns.Get(i)).is_absolute()) continue;
      fallback = fs::current_path();
      if (place.line == 0) continue;
      const fs::path mine = folder_of(place).lexically_normal();
      if (first.empty()) first = path, folder = mine;
      problems.require(mine == folder, path, " is relative to ", mine.string(), " and ", first, " (",
                       problems.where(first), ") to ", folder.string(), "; say which folder is meant with data.root");
    }
  };
  look("train_files", data.train_files());
  look("valid_files", data.valid_files());
  look("test_files", data.test_files());
  return folder.empty() ? fallback : folder;
}

void resolve_root(config::Data& data, const SourceTree& places, Problems& problems) {
  const fs::path folder = data.root().empty() ? folder_of_patterns(data, places, problems)
                                              : folder_of(places.place_of("data.root")) / data.root();
  if (!folder.empty()) data.set_root(folder.lexically_normal().string());
}

std::string saved_config(const std::string& folder) { return folder + "/config.pbtxt"; }

}  // namespace

config::Experiment load_experiment(const std::string& path, const std::vector<std::string>& overrides) {
  config::Experiment experiment;
  SourceTree places = config_text::read_with_includes(path, experiment);
  for (const std::string& text : overrides) config_text::apply_override(text, experiment, places);
  Problems problems(places);
  config_text::check_all(experiment, problems);
  if (experiment.has_data()) resolve_root(*experiment.mutable_data(), places, problems);
  problems.throw_if_any();
  config_text::clear_declared_defaults(experiment);
  return experiment;
}

void require_saved_config(const std::string& folder) {
  const std::string path = saved_config(folder);
  std::error_code error;
  const fs::file_type type = fs::status(path, error).type();
  require<DataError>(type == fs::file_type::regular || type == fs::file_type::not_found, "[config] wanted a file as ",
                     path, ", got a folder, pipe or device; restore the file that was there");
}

config::Experiment load_saved_experiment(const std::string& folder, const std::vector<std::string>& overrides) {
  require_saved_config(folder);
  return load_experiment(saved_config(folder), overrides);
}

std::string to_text(const config::Experiment& experiment) {
  std::string text;
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(true);
  printer.PrintToString(experiment, &text);
  return text;
}

}  // namespace polyscene::core
