// Damaged files of all kinds and wrong calls, always the same ones: each is read or refused, and none gets memory that
// it does not pay for with bytes of its own.
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

#include "ops/base/error.h"
#include "ops/base/philox.h"
#include "ops/tensor/tensor.h"
#include "tests/fuzz/largest_request.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/target.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::testing {
namespace {

struct Reader {
  const char* name;
  MakeFuzzTarget* make;
  int mutations;
};

// A value of JSON takes 16 bytes in memory, may be written in 2, and lists grow to twice what they were.
constexpr size_t kMostPerByte = 16;

class Fuzz : public FolderTest, public ::testing::WithParamInterface<Reader> {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    target_ = GetParam().make(folder_.string());
    seeds_ = target_->seeds();
  }

  // Whether the bytes were accepted. What is no Error goes through, and fails the test.
  bool accepts(const std::string& bytes) {
    bool accepted = true;
    static_cast<void>(take_largest_request());
    try {
      target_->read(bytes);
    } catch (const Error&) {
      accepted = false;
    }
    EXPECT_LE(take_largest_request(), target_->fixed_bytes() + kMostPerByte * bytes.size());
    return accepted;
  }

  std::unique_ptr<FuzzTarget> target_;
  std::vector<std::string> seeds_;
};

TEST_P(Fuzz, WhatWasWrittenIsRead) {
  for (const std::string& seed : seeds_) {
    EXPECT_NO_THROW(target_->read(seed));
    std::string repaired = seed;
    target_->repair(repaired);
    EXPECT_EQ(repaired, seed);
  }
}

TEST_P(Fuzz, WhatIsDamagedIsReadOrRefused) {
  int accepted = 0;
  for (int i = 0; i < GetParam().mutations && !HasFailure(); ++i) {
    SCOPED_TRACE(str("mutation ", i));
    PhiloxStream random(1, static_cast<uint64_t>(i));
    std::string bytes = seeds_[random.next_below(seeds_.size())];
    mutate(bytes, seeds_, random);
    if (random.next_below(4) > 0) target_->repair(bytes);
    accepted += accepts(bytes);
  }
  // Else what is behind the first check was not reached.
  EXPECT_GT(accepted, GetParam().mutations / 100);
  EXPECT_LT(accepted, GetParam().mutations);
}

// Of the functions that read and print nested values many call themselves.
TEST_P(Fuzz, WhatIsNestedDeeplyIsRefused) {
  constexpr size_t kDepth = 50'000;
  const auto nested = [](const std::string& open, const std::string& inside, const std::string& close) {
    std::string text;
    for (size_t i = 0; i < kDepth; ++i) text += open;
    text += inside;
    for (size_t i = 0; i < kDepth; ++i) text += close;
    return text;
  };
  const std::string lists = nested("[", "", "]"), objects = nested(R"({"a":)", "1", "}");
  for (const std::string& json : {lists, objects})
    for (const std::string& text :
         {json, R"({"a":)" + json + "}", R"({"a":{"dtype":"F32","shape":[)" + json + R"(],"data_offsets":[0,4]}})",
          R"({"__metadata__":)" + json + "}", R"({"format":1,"files":)" + json + "}"})
      for (const std::string& bytes : {text, std::string(8, '\0') + text}) {
        std::string repaired = bytes;
        target_->repair(repaired);
        EXPECT_FALSE(accepts(repaired));
      }
  EXPECT_FALSE(accepts("schema: 1 " + nested("a { ", "", "} ")));
  EXPECT_FALSE(accepts("schema: 1 " + nested("a: [{ ", "", "}] ")));
}

TEST(LargestRequest, IsThatOfAnyWayToAsk) {
  static_cast<void>(take_largest_request());
  EXPECT_EQ(std::vector<char>(1000, 'x').size(), 1000u);
  EXPECT_EQ(take_largest_request(), 1000u);
  EXPECT_EQ(std::stringstream(std::string(100, 'x')).str().size(), 100u);  // asked for by the library
  EXPECT_EQ(take_largest_request(), 101u);
  EXPECT_EQ(Tensor(DType::kFloat32, {1024}).shape().elements(), 1024);
  EXPECT_EQ(take_largest_request(), 4096u);
}

INSTANTIATE_TEST_SUITE_P(Readers, Fuzz,
                         ::testing::Values(Reader{"Safetensors", make_safetensors_target, 10'000},
                                           Reader{"Rows", make_rows_target, 1'500},
                                           Reader{"Manifest", make_manifest_target, 400},
                                           Reader{"Export", make_export_target, 250},
                                           Reader{"Calls", make_calls_target, 2'000}),
                         [](const auto& reader) { return reader.param.name; });

}  // namespace
}  // namespace polyscene::testing
