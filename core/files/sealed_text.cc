#include "core/files/sealed_text.h"

#include <xxhash.h>

#include <cinttypes>
#include <cstdio>

namespace polyscene::core {

std::string hash_digits(uint64_t hash) {
  char digits[17];
  std::snprintf(digits, sizeof(digits), "%016" PRIx64, hash);
  return digits;
}

std::string sealed(const SealForm& form, std::string_view text) {
  std::string all(form.before);
  all += hash_digits(XXH3_64bits(text.data(), text.size()));
  all += form.behind;
  return all += text;
}

Seal seal_of(const SealForm& form, std::string_view text) {
  if (!text.starts_with(form.before)) return Seal::kNone;
  const size_t head = form.before.size() + 16 + form.behind.size();
  return text.size() >= head && sealed(form, text.substr(head)) == text ? Seal::kWhole : Seal::kBroken;
}

}  // namespace polyscene::core
