// Resampling as a layer; see gradus::upsample.
#pragma once

#include "../core/base/error.h"
#include "function_layer.h"

namespace gradus::nn {

/// The linear modes go with the number of spatial dimensions: 1, 2 and 3.
enum class Interpolation { nearest, linear, bilinear, trilinear };

/// Options of Upsample.
struct UpsampleOptions {
  static constexpr const char* type = "Upsample";
  Shape size = {};  ///< of the output: one number, or one per spatial dimension; or, if empty,
  std::optional<double> scale_factor = {};      ///< H' = H scale_factor, rounded down; positive
  Interpolation mode = Interpolation::nearest;  ///< determines the number of spatial dimensions
  bool align_corners = false;  ///< linear modes only: the outermost elements keep their values

  void describe(OptionVisitor& visit) {
    visit("size", size);
    visit("scale_factor", scale_factor);
    visit.choice("mode", mode, {"nearest", "linear", "bilinear", "trilinear"});
    visit("align_corners", align_corners);
  }
  void check() const {
    require(size.empty() == scale_factor.has_value(), type, "give one of the two",
            "needs either a size or a scale_factor");
  }
  Tensor apply(const Tensor& x) const {
    const int dims = static_cast<int>(mode);  // spatial ones, of a linear mode
    require<ShapeError>(dims == 0 || x.dim() == dims + 2, type,
                        "linear is for [N,C,L], bilinear for [N,C,H,W], trilinear for [N,C,D,H,W]",
                        "a linear mode for ", dims, " spatial dimensions, got ", x.shape());
    return upsample(x, {.size = size,
                        .scale_factor = scale_factor,
                        .mode = dims == 0 ? UpsampleMode::nearest : UpsampleMode::linear,
                        .align_corners = align_corners});
  }
};
/// Other spatial sizes, by copying or interpolating elements. Throws ValueError unless exactly one
/// of size and scale_factor is given, and ShapeError for an input with other dimensions than the
/// mode's.
using Upsample = FunctionLayer<UpsampleOptions>;

}  // namespace gradus::nn
