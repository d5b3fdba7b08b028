// Sealed texts: the first line holds the XXH3 64 of everything after it, so that flipped bits and truncation are
// detected.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace polyscene::core {

// The text before and after the 16 hexadecimal digits of the hash.
struct SealForm {
  std::string_view before, behind;
};
inline constexpr SealForm kProtoSeal{"xxh3: 0x", "\n"};
inline constexpr SealForm kJsonSeal{"{\n  \"xxh3\": \"", "\",\n"};

// The hash as 16 hexadecimal digits in lower case.
[[nodiscard]] std::string hash_digits(uint64_t hash);

// `text` with its hash in front. For kJsonSeal, `text` is a JSON object from its first member on.
[[nodiscard]] std::string sealed(const SealForm& form, std::string_view text);

// kNone: the text does not start like a sealed text. kBroken: it does, but it was changed after it was written.
enum class Seal { kNone, kWhole, kBroken };
[[nodiscard]] Seal seal_of(const SealForm& form, std::string_view text);

}  // namespace polyscene::core
