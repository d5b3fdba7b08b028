// Every operator states everything about itself, and the registry lists every operator.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "ops/operators.h"
#include "tests/ops/battery.h"

namespace polyscene::testing {
namespace {

TEST(Completeness, EveryPartIsPresentOrAbsentForAReason) {
  for (const OpDefinition* op : all_ops()) {
    EXPECT_EQ(op->name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), op->name.npos) << op->name;
    EXPECT_NE(op->infer, nullptr) << op->name;
    EXPECT_NE(op->samples, nullptr) << op->name;
    EXPECT_EQ(op->cpu == nullptr, op->aliases_input) << op->name << ": a kernel, or an alias that needs none";
    if (op->gradient.present()) continue;
    EXPECT_NE(op->gradient.reason(), "not stated") << op->name;
    EXPECT_GE(op->gradient.reason().size(), 8u) << op->name << ": \"" << op->gradient.reason() << '"';
  }
}

bool has_empty_tensor(const Case& c) {
  const SampleGraph g(c, DType::kFloat64);
  const auto empty = [](const Value& v) { return v.shape().resolve({}).elements() == 0; };
  return std::ranges::any_of(g.inputs, empty) || std::ranges::any_of(g.outputs, empty);
}

TEST(Completeness, SamplesCoverTheOperator) {
  for (const OpDefinition* op : all_ops()) {
    const std::vector<Sample> samples = op->samples();
    EXPECT_GE(samples.size(), 3u) << op->name;
    std::set<std::string> names;
    bool some_empty = false;
    for (const Sample& s : samples) {
      EXPECT_TRUE(!s.name.empty() && names.insert(s.name).second) << op->name << " sample \"" << s.name << '"';
      for (const Tensor& t : s.inputs) EXPECT_NE(t.dtype(), DType::kFloat32) << op->name << ": samples are in double";
      for (const int i : s.fixed) EXPECT_TRUE(i >= 0 && i < static_cast<int>(s.inputs.size())) << op->name;
      some_empty = some_empty || has_empty_tensor({op, s});
    }
    EXPECT_TRUE(some_empty) << op->name << " has no sample with an empty tensor";
  }
}

// The names that definitions in the source tree give themselves.
std::multiset<std::string> names_in_sources() {
  std::multiset<std::string> names;
  const std::string mark = ".name = \"";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(POLYSCENE_SOURCE_DIR "/ops")) {
    if (entry.path().extension() != ".cc") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    for (size_t at = text.find(mark); at != text.npos; at = text.find(mark, at + 1)) {
      const size_t begin = at + mark.size();
      names.insert(text.substr(begin, text.find('"', begin) - begin));
    }
  }
  return names;
}

TEST(Completeness, RegistryListsEveryDefinitionOnce) {
  std::multiset<std::string> listed;
  for (const OpDefinition* op : all_ops()) listed.emplace(op->name);
  EXPECT_EQ(listed, names_in_sources());
  EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()).size(), listed.size());
}

}  // namespace
}  // namespace polyscene::testing
