// How much compressed files may unfold to.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gradus {

/// Deflate cannot do better: the most bytes that one compressed byte can stand for.
inline constexpr uint64_t max_inflation = 1032;

/// The most bytes that a reader lets `compressed` bytes stand for: 60 MiB, or 60 times as many
/// where that is more, and never more than deflate can do. Data sets take 2 to 30 times their
/// compressed size; what goes far beyond is a "decompression bomb".
inline uint64_t max_inflated_size(uint64_t compressed) {
  constexpr uint64_t usual = 60, small_file = uint64_t{1} << 20;
  return std::min(compressed * max_inflation, std::max(compressed, small_file) * usual);
}

}  // namespace gradus
