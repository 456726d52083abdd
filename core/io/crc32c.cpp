#include "crc32c.h"

#include <array>

namespace gradus {
namespace {

/// What each byte contributes; the polynomial is written with its lowest power first.
constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t rest = i;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1U ^ ((rest & 1U) != 0 ? 0x82f63b78U : 0U);
    table[i] = rest;
  }
  return table;
}
constexpr std::array<uint32_t, 256> crc_table = make_table();

}  // namespace

uint32_t crc32c(std::span<const std::byte> bytes) {
  uint32_t rest = ~uint32_t{0};
  for (const std::byte byte : bytes) {
    rest = rest >> 8U ^ crc_table[(rest ^ std::to_integer<uint32_t>(byte)) & 0xffU];
  }
  return ~rest;
}

}  // namespace gradus
