#include "upsample.h"

#include "../core/base/error.h"

namespace gradus::nn {

void UpsampleOptions::check() const {
  if (size.empty() == scale_factor.has_value()) return;
  throw ValueError(type, "needs either a size or a scale_factor", "give one of the two");
}

Tensor UpsampleOptions::apply(const Tensor& x) const {
  const bool is_nearest = mode == Interpolation::nearest;
  if (!is_nearest && x.dim() != static_cast<int>(mode) + 2) {
    throw ShapeError(
        type,
        str("a linear mode for ", static_cast<int>(mode), " spatial dimensions, got ", x.shape()),
        "linear is for [N,C,L], bilinear for [N,C,H,W], trilinear for [N,C,D,H,W]");
  }
  return upsample(x, {.size = size,
                      .scale_factor = scale_factor,
                      .mode = is_nearest ? UpsampleMode::nearest : UpsampleMode::linear,
                      .align_corners = align_corners});
}

}  // namespace gradus::nn
