#include <nlohmann/json.hpp>
#include <sstream>

#include "core/export/publish.h"
#include "core/files/sealed_text.h"
#include "core/serve/served_model.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/tiny_run.h"

namespace polyscene::testing {
namespace {

class ExportTarget : public FuzzTarget {
 public:
  explicit ExportTarget(const std::string& folder) : versions_(folder + "/export") {
    const std::string run = folder + "/run";
    make_tiny_run(run);
    std::ostringstream said;
    for (const bool delta : {false, true, false}) {
      const std::string version = core::export_model(
          {.run = run, .output = versions_, .delta = delta, .sample_rows = 0, .onnx_check = {}, .overrides = {}}, said);
      seeds_.push_back(read_file(version + "/export.json"));
    }
    seeds_.erase(seeds_.begin());
  }

  [[nodiscard]] std::vector<std::string> seeds() const override { return seeds_; }

  // Files are hashed in pieces of 4 MiB.
  [[nodiscard]] size_t fixed_bytes() const override { return size_t{5} << 20; }

  // As the description of a version of changed rows or of a whole one; the first one is what the former adds to.
  void read(const std::string& bytes) override {
    const std::string version = versions_ + (bytes.find("\"base\"") == std::string::npos ? "/3" : "/2");
    const std::string path = version + "/export.json";
    write_file(path, bytes);
    const core::ServedModel model(version);
    const nlohmann::json json = nlohmann::json::parse(bytes);
    for (const auto& [name, entry] : json["files"].items()) require_below(version, name);
    if (!model.base().empty()) require_below(versions_, std::filesystem::relative(model.base(), versions_).string());
    model.verify();
  }

  // Its description begins with a hash in a line of its own.
  void repair(std::string& bytes) const override {
    const size_t end = bytes.find(core::kJsonSeal.behind);
    if (bytes.starts_with(core::kJsonSeal.before) && end != std::string::npos)
      bytes = sealed(core::kJsonSeal, bytes.substr(end + core::kJsonSeal.behind.size()));
  }

 private:
  std::string versions_;
  std::vector<std::string> seeds_;
};

}  // namespace

std::unique_ptr<FuzzTarget> make_export_target(const std::string& folder) {
  return std::make_unique<ExportTarget>(folder);
}

}  // namespace polyscene::testing
