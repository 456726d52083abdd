// Protocol buffers, as far as files that we write need them: a message is its fields, one after the
// other; fields that are zero are left out. For .cpp files of the library.
// Format: the encoding guide of Protocol Buffers.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../base/text.h"

/// What files in the encoding of Protocol Buffers are written with.
namespace gradus::protobuf {

static_assert(std::endian::native == std::endian::little, "numbers are written little-endian");

/// The bytes of a number.
template <class T>
std::string raw(T number) {
  return {std::bit_cast<std::array<char, sizeof(T)>>(number).data(), sizeof(T)};
}

/// The bytes of many, for a field of packed numbers.
template <class T>
std::string_view packed(const std::vector<T>& elements) {
  return {reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T)};
}

/// A number in as few bytes as it needs, seven bits in each.
inline std::string varint(uint64_t number) {
  std::string text;
  for (; number >= 0x80U; number >>= 7U) text += static_cast<char>(number | 0x80U);
  return text + static_cast<char>(number);
}

/// Fields: int64 (or an enumeration), double, float, and bytes (or text, packed numbers, a
/// message). The float is written even if it is 0: as one of several alternatives, it says which.
/// @{
inline std::string integer(unsigned field, int64_t number) {
  return number == 0 ? "" : varint(field << 3U) + varint(static_cast<uint64_t>(number));
}
inline std::string real(unsigned field, double number) {
  return number == 0 ? "" : varint(field << 3U | 1U) + raw(number);
}
inline std::string single(unsigned field, float number) {
  return varint(field << 3U | 5U) + raw(number);
}
inline std::string bytes(unsigned field, std::string_view content) {
  return str(varint(field << 3U | 2U), varint(content.size()), content);
}
/// @}

}  // namespace gradus::protobuf
