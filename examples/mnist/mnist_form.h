// The form that MNIST gave its digits.
#pragma once

#include "paper.h"

namespace gradus::examples {

/// Part of a plane.
struct Box {
  int64_t top, left, bottom, right;  // the last two are one beyond
};

/// Whether a gray picture of bright ink on black is 28x28 and has its centre of mass near the
/// middle, as what nets are trained on.
bool has_mnist_form(const Tensor& gray);

/// Gives it to ink, values from 0 to 1, the whole of it: uint8 [28, 28]. Strokes that are much
/// thinner or thicker than MNIST's become like them.
Tensor mnist_form(const Plane& ink);

}  // namespace gradus::examples
