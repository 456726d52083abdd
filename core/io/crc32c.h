// CRC-32C, the checksum of TensorBoard's event files. (That of PNG, gzip and zip is in deflate.h.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gradus {

/// The CRC-32C (Castagnoli's polynomial, RFC 3720) of a message: 0xE3069283 for "123456789".
uint32_t crc32c(std::span<const std::byte> bytes);

}  // namespace gradus
