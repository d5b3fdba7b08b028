// Texts that say on their first line the XXH3 64 of all that is behind that line, so that whatever was flipped in them,
// or cut off, is seen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace polyscene {

// What stands around the 16 hexadecimal digits of the hash.
struct SealForm {
  std::string_view before, behind;
};
inline constexpr SealForm kProtoSeal{"xxh3: 0x", "\n"};
inline constexpr SealForm kJsonSeal{"{\n  \"xxh3\": \"", "\",\n"};

// 16 digits, lower case.
[[nodiscard]] std::string hash_digits(uint64_t hash);

// `text` with its hash in front; that of an object in JSON is given from its first member on.
[[nodiscard]] std::string sealed(const SealForm& form, std::string_view text);

// kNone: it does not begin like one with a hash. kBroken: it does, and is not as it was written.
enum class Seal { kNone, kWhole, kBroken };
[[nodiscard]] Seal seal_of(const SealForm& form, std::string_view text);

}  // namespace polyscene
