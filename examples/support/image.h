// Reading pictures of digits.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include <gradus/core/tensor.h>

namespace gradus::examples {

/// A PNG, JPEG or PGM picture as uint8 gray values [H, W]. Colours are turned into gray,
/// transparency into white; what a camera took standing on its side is turned upright (EXIF).
/// Throws IoError naming the file for anything else, and for pictures of more than 4096 pixels in
/// height or width.
Tensor read_image(const std::filesystem::path& path);
/// The same from memory; `name` stands for the file in errors.
Tensor parse_image(std::span<const std::byte> bytes, const std::string& name);

/// A gray picture [H, W] as MNIST would have it, [28, 28] with bright ink on black: inverted where
/// the border is bright, scaled into a 20x20 box and centred by its centre of mass. A picture that
/// is 28x28 on black already stays as it is.
Tensor to_mnist_form(const Tensor& gray);

}  // namespace gradus::examples
