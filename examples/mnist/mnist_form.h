// The form that MNIST gave its digits.
#pragma once

#include <algorithm>
#include <cstdint>

#include "paper.h"

namespace gradus::examples {

/// Part of a plane; bottom and right are one beyond.
struct Box {
  int64_t top = INT64_MAX, left = INT64_MAX, bottom = 0, right = 0;  // of nothing

  int64_t height() const { return std::max<int64_t>(0, bottom - top); }
  int64_t width() const { return std::max<int64_t>(0, right - left); }
  /// Makes it large enough for another one.
  void add(const Box& other) {
    *this = {std::min(top, other.top), std::min(left, other.left), std::max(bottom, other.bottom),
             std::max(right, other.right)};
  }
  /// And for one place.
  void add(int64_t y, int64_t x) { add({y, x, y + 1, x + 1}); }
};

/// Whether a gray picture of bright ink on black is 28x28 and has its centre of mass near the
/// middle, as what nets are trained on.
bool has_mnist_form(const Tensor& gray);

/// Gives it to ink, values from 0 to 1, the whole of it: uint8 [28, 28]. Strokes that are much
/// thinner or thicker than MNIST's become like them.
Tensor mnist_form(const Plane& ink);

}  // namespace gradus::examples
