// Weights of conv2d that are transformed once for many calls.
#pragma once

#include "conv.h"

namespace gradus::detail {

/// A float32 weight [O, C, 3, 3] as Winograd's algorithm needs it, four times as large: to make it
/// is much of the work on a few images. Undefined where that algorithm does not suit (ConvOptions).
Tensor transformed_weight(const Tensor& weight);

/// conv2d, given what transformed_weight() made of the weight, or an undefined tensor. The same
/// bits.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options, const Tensor& transformed);

}  // namespace gradus::detail
