// Resampling of images. Part of ops.h, which includes this.
#pragma once

#include <optional>

#include "../tensor.h"

namespace gradus {

/// How upsample computes values between elements: it copies, or interpolates in every dimension.
enum class UpsampleMode { nearest, linear };
/// Options of upsample.
struct UpsampleOptions {
  Shape size = {};  ///< of the output, one number or one per spatial dimension; or, if empty,
  std::optional<double> scale_factor = {};    ///< H' = H scale_factor, rounded down; positive
  UpsampleMode mode = UpsampleMode::nearest;  ///< linear is linear, bilinear or trilinear
  bool align_corners = false;  ///< linear only: the outermost elements keep their values

  static void describe(auto& o, auto& visit) {
    visit("size", o.size);
    visit("scale_factor", o.scale_factor);
    visit.choice("mode", o.mode, {"nearest", "linear"});
    visit("align_corners", o.align_corners);
  }
};
/// x [N, C, ...] with other spatial sizes (with a scale_factor of 120.0 / 88, 88 becomes 120: a
/// size that differs from an integer only by rounding is that integer): each element from the
/// nearest one before it, or interpolated in each dimension (linear, bilinear, trilinear) at (i +
/// 1/2) H / H' - 1/2, or at i (H - 1) / (H' - 1) with align_corners. Throws ShapeError for other
/// than one to three spatial dimensions and empty ones; ValueError unless exactly one of size and
/// scale_factor is given, for sizes below 1, and for align_corners with nearest.
Tensor upsample(const Tensor& x, const UpsampleOptions& options);

}  // namespace gradus
