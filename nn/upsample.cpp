#include "upsample.h"

#include "../core/base/error.h"

namespace gradus::nn {

void UpsampleOptions::check() const {
  require(size.empty() == scale_factor.has_value(), type, "give one of the two",
          "needs either a size or a scale_factor");
}

Tensor UpsampleOptions::apply(const Tensor& x) const {
  const int dims = static_cast<int>(mode);  // spatial ones, of a linear mode
  require<ShapeError>(dims == 0 || x.dim() == dims + 2, type,
                      "linear is for [N,C,L], bilinear for [N,C,H,W], trilinear for [N,C,D,H,W]",
                      "a linear mode for ", dims, " spatial dimensions, got ", x.shape());
  return upsample(x, {.size = size,
                      .scale_factor = scale_factor,
                      .mode = dims == 0 ? UpsampleMode::nearest : UpsampleMode::linear,
                      .align_corners = align_corners});
}

}  // namespace gradus::nn
