// The paper in a picture of something written: how bright it is at each place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus::examples {

/// Gray values, row by row.
struct Plane {
  int64_t height, width;
  std::vector<float> values;

  float& at(int64_t y, int64_t x) { return values[static_cast<size_t>(y * width + x)]; }
  float at(int64_t y, int64_t x) const { return values[static_cast<size_t>(y * width + x)]; }
  /// 0 outside.
  float or_zero(int64_t y, int64_t x) const {
    return y < 0 || x < 0 || y >= height || x >= width ? 0 : at(y, x);
  }
};

/// A plane of value(y, x).
template <class Value>
Plane make_plane(int64_t height, int64_t width, const Value& value) {
  Plane plane{height, width, {}};
  plane.values.reserve(static_cast<size_t>(height * width));
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) plane.values.push_back(static_cast<float>(value(y, x)));
  }
  return plane;
}

/// A uint8 picture [H, W], made smaller by a whole number, by means of squares, until no side is
/// above `largest_side`.
Plane shrunk(const Tensor& gray, int64_t largest_side);

/// How much brighter than paper each place is, and the noise of the paper.
struct Contrast {
  Plane above_paper;  ///< below 0 where it is darker
  double noise;       ///< standard deviation of what is paper
};

/// Takes the paper for what most of the picture is, and its brightness for a polynomial of second
/// degree of the place: light from one side, a darker rim. Least squares, fitted anew without what
/// was far off until nothing changes (a trimmed fit).
Contrast contrast_to_paper(const Plane& picture);

}  // namespace gradus::examples
