#include "core/files/sealed_text.h"

#include <gtest/gtest.h>

namespace polyscene::core {
namespace {

TEST(SealedText, BeginsWithTheHashOfTheRest) {
  EXPECT_EQ(hash_digits(0xab), "00000000000000ab");
  EXPECT_EQ(sealed(kProtoSeal, "a: 1\n"), "xxh3: 0x86fcb6dcae423163\na: 1\n");
  EXPECT_EQ(sealed(kJsonSeal, "  \"a\": 1\n}\n"), "{\n  \"xxh3\": \"b7084c1e7a44a23e\",\n  \"a\": 1\n}\n");
}

TEST(SealedText, ShowsEveryChange) {
  for (const SealForm& form : {kProtoSeal, kJsonSeal}) {
    const std::string text = sealed(form, "a: 1\n");
    EXPECT_EQ(seal_of(form, text), Seal::kWhole);
    EXPECT_EQ(seal_of(form, text.substr(text.find("a: 1"))), Seal::kNone);
    EXPECT_EQ(seal_of(form, ""), Seal::kNone);
    EXPECT_EQ(seal_of(form, text + "\n"), Seal::kBroken);
    for (size_t bit = 0; bit < 8 * text.size(); ++bit) {
      std::string flipped = text;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
      // Who reads it refuses a first line of another form.
      EXPECT_EQ(seal_of(form, flipped), bit < 8 * form.before.size() ? Seal::kNone : Seal::kBroken) << bit;
    }
    for (size_t bytes = form.before.size(); bytes < text.size(); ++bytes)
      EXPECT_EQ(seal_of(form, text.substr(0, bytes)), Seal::kBroken) << bytes;
  }
}

}  // namespace
}  // namespace polyscene::core
