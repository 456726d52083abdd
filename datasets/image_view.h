// Checks and shorthand that the transforms share.
#pragma once

#include <cstdint>
#include <span>

#include "../core/tensor.h"

namespace gradus::data {

/// A float32 image [C, H, W] in row-major order, for reading.
struct ImageView {
  Tensor image;  ///< keeps the pixels alive
  int64_t channels, height, width;

  std::span<const float> row(int64_t channel, int64_t y) const {
    return {image.data<float>() + (channel * height + y) * width, static_cast<size_t>(width)};
  }
};

/// Throws DTypeError or ShapeError in the name of `op` if `image` is anything else.
ImageView view_image(const char* op, const Tensor& image);

}  // namespace gradus::data
