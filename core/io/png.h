// PNG images: written, not read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gradus {

/// The pixels of an image with 8 bits per channel.
struct PngImage {
  int64_t width = 0, height = 0;  ///< in pixels, at least 1
  int64_t channels = 1;           ///< 1: gray, 2: gray and opacity, 3: RGB, 4: RGB and opacity
  std::span<const uint8_t> pixels =
      {};  ///< row by row from the top, the channels of a pixel together
};

/// The image as a PNG file (ISO/IEC 15948); the same pixels give the same bytes. Throws ShapeError
/// if the sizes are not positive, do not fit each other, or are beyond what the format can hold.
std::vector<std::byte> encode_png(const PngImage& image);

}  // namespace gradus
