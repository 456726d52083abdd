// Finding what is written in a picture.
#pragma once

#include <string_view>

#include <gradus/core/tensor.h>

namespace gradus::examples {

/// What a picture shows, as far as its shapes tell.
enum class Content {
  empty,    ///< nothing that stands out from the paper, but for a frame or lines along the border
  clutter,  ///< more pieces or holes than a digit has: noise, a drawing, a text
  several,  ///< shapes beside or above each other, each of which could be a digit
  digit,
};

/// What was found on a picture.
struct Ink {
  Content content;
  Tensor digit;  ///< uint8 [28, 28], see find_ink
};

/// Finds the ink in a gray picture, uint8 [H, W], dark on bright or bright on dark.
///
/// Paper is what most of the picture is; its level may change over the picture (paper.h). Ink
/// stands out from it by more than noise. Frames and lines along the border, and specks, are left
/// out. What is left has the form that MNIST gave its digits: 0 is paper, 255 ink; the ink fills a
/// box of 20x20 pixels and has its centre of mass in the middle of 28x28. Strokes that are much
/// thinner or thicker than those of MNIST are made alike. A picture that has this form already
/// stays as it is.
///
/// Takes time linear in the number of pixels and memory for a plane of 400x400.
Ink find_ink(const Tensor& gray);

}  // namespace gradus::examples
