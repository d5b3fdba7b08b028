#include "core/config/include.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "core/config/experiment.pb.h"
#include "core/config/parse.h"
#include "core/text/suggest.h"
#include "ops/base/error.h"

namespace polyscene::core::config_text {
namespace {

namespace fs = std::filesystem;

// Limits far above real use. The recursion that reads includes must be bounded, and each file is compared with those
// that include it.
constexpr size_t kMostNested = 64;
constexpr size_t kMostFiles = 1000;  // beside the first

std::string read_text(const fs::path& path, const std::string& wanted_by) {
  std::error_code ignored;
  require(!fs::is_directory(path, ignored), "[config] ", wanted_by, "wanted a file, but ", path.string(),
          " is a folder");
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    const std::string reason = std::strerror(errno);
    throw InvalidArgument(
        str("[config] ", wanted_by, "cannot read ", path.string(), ": ", reason, suggestion_beside(path.string())));
  }
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

class Reader {
 public:
  Reader(config::Experiment& message, SourceTree& places) : message_(message), places_(places) {}

  // `wanted_by`: place of the include, "" for the first file.
  void read(const fs::path& path, const std::string& wanted_by) {
    enter(path, wanted_by);
    config::Experiment own;
    SourceTree own_places = parse_text(path.string(), read_text(path, wanted_by), own);
    for (int i = 0; i < own.include_size(); ++i) {
      const std::string place = to_string(own_places.place_of(str("include[", i, "]")));
      require(!own.include(i).empty(), "[config] ", place, ": include wants a file, got \"\"");
      read((path.parent_path() / own.include(i)).lexically_normal(), place + ": ");
    }
    open_.pop_back();
    own.clear_include();
    own_places.fields.erase("include");
    check_merge(own, own_places);
    message_.MergeFrom(own);
    places_.merge(std::move(own_places));
  }

 private:
  void enter(const fs::path& path, const std::string& wanted_by) {
    std::error_code ignored;
    const fs::path unique = fs::weakly_canonical(path, ignored);
    std::string chain;
    for (const fs::path& file : open_) {
      if (!chain.empty())
        chain += " -> ";
      else if (fs::weakly_canonical(file, ignored) != unique)
        continue;
      chain += file.string();
    }
    require(chain.empty(), "[config] ", wanted_by, "include cycle: ", chain, " -> ", path.string(),
            "; remove one of these includes");
    const auto [first, fresh] = seen_.emplace(unique.string(), wanted_by);
    require(fresh, "[config] ", wanted_by, path.string(), " is included a second time (first by ",
            first->second.substr(0, first->second.size() - std::min<size_t>(2, first->second.size())),
            "), which would append its lists twice; remove one include");
    require(open_.size() < kMostNested, "[config] ", wanted_by, "wanted files that include each other at most ",
            kMostNested, " deep, ", path.string(), " is deeper; let one file include the others side by side");
    require(seen_.size() <= kMostFiles + 1, "[config] ", wanted_by, "wanted at most ", kMostFiles, " files, ",
            path.string(), " is one more; put several of them into one");
    open_.push_back(path);
  }

  // protobuf would silently drop the other model's settings and append widths of one file to those of another.
  void check_merge(const config::Experiment& own, const SourceTree& own_places) const {
    const config::Model& before = message_.model();
    const config::Model& now = own.model();
    if (before.kind_case() != 0 && now.kind_case() != 0 && before.kind_case() != now.kind_case())
      refuse(own_places, str("model.", kind_name(now)), str("model.", kind_name(before)),
             "one configuration holds one kind of model; include only one of them");
    if (before.head_size() > 0 && now.head_size() > 0)
      refuse(own_places, "model.head", "model.head",
             "lists append over includes, which makes a deeper network; write it in one file, or replace it with --set "
             "model.head=...");
    if (before.din().attention_hidden_size() > 0 && now.din().attention_hidden_size() > 0)
      refuse(own_places, "model.din.attention_hidden", "model.din.attention_hidden",
             "lists append over includes, which makes a deeper network; write it in one file, or replace it with --set "
             "model.din.attention_hidden=...");
  }

  static std::string kind_name(const config::Model& model) {
    return config::Model::descriptor()->FindFieldByNumber(model.kind_case())->name();
  }

  [[noreturn]] void refuse(const SourceTree& own_places, const std::string& path, const std::string& first,
                           const char* why) const {
    throw InvalidArgument(str("[config] ", to_string(own_places.place_of(path)), ": ", path, " is given beside ", first,
                              " (", to_string(places_.place_of(first)), "); ", why));
  }

  config::Experiment& message_;
  SourceTree& places_;
  std::vector<fs::path> open_;
  std::map<std::string, std::string> seen_;
};

}  // namespace

SourceTree read_with_includes(const std::string& path, config::Experiment& message) {
  SourceTree places;
  Reader(message, places).read(path, "");
  return places;
}

}  // namespace polyscene::core::config_text
