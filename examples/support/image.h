// Reading pictures of digits.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include <gradus/core/tensor.h>

namespace gradus::examples {

/// A picture without its colours.
struct Picture {
  Tensor gray;   ///< uint8 [H, W]
  Tensor alpha;  ///< uint8 [H, W], 0 where nothing is to be seen; undefined without transparency
};

/// Reads a PNG, JPEG or PGM file. What a camera took standing on its side is turned upright (EXIF).
/// Throws IoError naming the file for anything else, and for pictures of more than 4096 pixels in
/// height or width.
Picture read_image(const std::filesystem::path& path);
/// The same from memory; `name` stands for the file in errors.
Picture parse_image(std::span<const std::byte> bytes, const std::string& name);

/// Writes gray values, uint8 [H, W], as a PNG file.
void write_png(const std::filesystem::path& path, const Tensor& gray);

}  // namespace gradus::examples
