#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/hash_check.h"
#include "core/checkpoint/manifest_file.h"
#include "core/files/sealed_text.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/tiny_run.h"

namespace polyscene::testing {
namespace {

class ManifestTarget : public FuzzTarget {
 public:
  explicit ManifestTarget(const std::string& folder)
      : first_(folder + "/checkpoints/step-0000000001"), second_(folder + "/checkpoints/step-0000000002") {
    make_tiny_run(folder);
    seeds_.push_back(read_file(checkpoint::manifest_path(second_)));
    checkpoint::Manifest whole = checkpoint::read_manifest(second_);  // of a checkpoint that adds to no other
    whole.set_schema(checkpoint::kFull);
    whole.clear_base();
    checkpoint::write_manifest(second_, whole);
    seeds_.push_back(read_file(checkpoint::manifest_path(second_)));
  }

  [[nodiscard]] std::vector<std::string> seeds() const override { return seeds_; }

  void read(const std::string& bytes) override {
    write_file(checkpoint::manifest_path(second_), bytes);
    const checkpoint::Manifest manifest = checkpoint::read_manifest(second_);
    for (const auto* files : {&manifest.file(), &manifest.log()})
      for (const checkpoint::File& file : *files) require_below(second_, file.name());
    static_cast<void>(core::position_of_checkpoint(second_));
    for (const std::string& link : core::chain_of(second_))
      if (link != first_ && link != second_) throw std::logic_error("a chain of what is no checkpoint: " + link);
    // One file in seven: the time goes into those, not into what names them.
    static_cast<void>(core::damage_of(second_, {.rank = static_cast<int>(bytes.size() % 7), .ranks = 7}));
  }

  void repair(std::string& bytes) const override {
    if (bytes.starts_with(core::kProtoSeal.before))
      bytes = sealed(core::kProtoSeal, bytes.substr(bytes.find('\n') + 1));
  }

  // Files are hashed in pieces of 4 MiB.
  [[nodiscard]] size_t fixed_bytes() const override { return size_t{5} << 20; }

 private:
  std::string first_, second_;
  std::vector<std::string> seeds_;
};

}  // namespace

std::unique_ptr<FuzzTarget> make_manifest_target(const std::string& folder) {
  return std::make_unique<ManifestTarget>(folder);
}

}  // namespace polyscene::testing
