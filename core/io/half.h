// Floating-point numbers of 16 bits in files, which tensors have as float32.
#pragma once

#include <bit>
#include <cstdint>

namespace gradus {

/// Of 8 bits exponent, as in float32, and 7 bits fraction.
inline float from_bfloat16(uint16_t x) {
  return std::bit_cast<float>(uint32_t{x} << 16);
}

/// Of 5 bits exponent and 10 bits fraction (IEEE 754's binary16).
inline float from_half(uint16_t x) {
  const uint32_t exponent = x >> 10 & 0x1f, fraction = x & 0x3ff, sign = uint32_t{x} >> 15 << 31;
  uint32_t magnitude = (exponent + 127 - 15) << 23 | fraction << 13;
  if (exponent == 0x1f) magnitude = 0x7f800000 | fraction << 13;
  if (exponent == 0) magnitude = std::bit_cast<uint32_t>(static_cast<float>(fraction) * 0x1p-24F);
  return std::bit_cast<float>(sign | magnitude);
}

}  // namespace gradus
