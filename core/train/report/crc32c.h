// CRC-32C (Castagnoli), the checksum of TFRecord framing.
#pragma once

#include <cstdint>
#include <string_view>

namespace polyscene::core {

[[nodiscard]] uint32_t crc32c(std::string_view bytes);

// Rotated and offset, so that a checksum of data that holds checksums stays strong; what TFRecord stores.
[[nodiscard]] uint32_t masked_crc32c(std::string_view bytes);

}  // namespace polyscene::core
