// Layers that add elements around one, two and three spatial dimensions; see gradus::pad.
#pragma once

#include "function_layer.h"

namespace gradus::nn {

namespace detail {
template <size_t N>
Tensor pad_spatial(const char* type, PadMode mode, const Tensor& x, const Sizes<N>& pads,
                   double value = 0) {
  constexpr int spatial = N / 2;
  // Constants need no channels, as in PyTorch.
  if (mode != PadMode::constant || x.dim() < spatial) check_spatial(type, x, spatial);
  return pad(x, pads, mode, value);
}
}  // namespace detail

/// Options of the padding layers over N spatial dimensions, except ConstantPad.
template <PadMode mode, size_t N>
struct PadLayerOptions {
  static constexpr const char* type =
      mode == PadMode::constant ? for_dims<N>("ZeroPad1d", "ZeroPad2d", "ZeroPad3d")
      : mode == PadMode::reflect
          ? for_dims<N>("ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d")
      : mode == PadMode::replicate
          ? for_dims<N>("ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d")
          : for_dims<N>("CircularPad1d", "CircularPad2d", "CircularPad3d");
  Sizes<2 * N> padding = 0;  ///< left, right, top, bottom, front, back

  void describe(OptionVisitor& visit) { visit.required("padding", padding); }
  Tensor apply(const Tensor& x) const { return detail::pad_spatial(type, mode, x, padding); }
};

/// Options of ConstantPad over N spatial dimensions.
template <size_t N>
struct ConstantPadOptions {
  static constexpr const char* type =
      for_dims<N>("ConstantPad1d", "ConstantPad2d", "ConstantPad3d");
  Sizes<2 * N> padding = 0;  ///< left, right, top, bottom, front, back
  double value = 0;          ///< of the added elements

  void describe(OptionVisitor& visit) {
    visit.required("padding", padding);
    visit.required("value", value);
  }
  Tensor apply(const Tensor& x) const {
    return detail::pad_spatial(type, PadMode::constant, x, padding, value);
  }
};

/// Zeros, or a constant, around x [..., L], [..., H, W] or [..., D, H, W]; negative sizes crop.
/// @{
using ZeroPad1d = FunctionLayer<PadLayerOptions<PadMode::constant, 1>>;
using ZeroPad2d = FunctionLayer<PadLayerOptions<PadMode::constant, 2>>;
using ZeroPad3d = FunctionLayer<PadLayerOptions<PadMode::constant, 3>>;
using ConstantPad1d = FunctionLayer<ConstantPadOptions<1>>;
using ConstantPad2d = FunctionLayer<ConstantPadOptions<2>>;
using ConstantPad3d = FunctionLayer<ConstantPadOptions<3>>;
/// @}
/// The elements next to an edge, mirrored without the edge itself. Throws ShapeError for a padding
/// that is not less than the size.
/// @{
using ReflectionPad1d = FunctionLayer<PadLayerOptions<PadMode::reflect, 1>>;
using ReflectionPad2d = FunctionLayer<PadLayerOptions<PadMode::reflect, 2>>;
using ReflectionPad3d = FunctionLayer<PadLayerOptions<PadMode::reflect, 3>>;
/// @}
/// The element at the edge, repeated.
/// @{
using ReplicationPad1d = FunctionLayer<PadLayerOptions<PadMode::replicate, 1>>;
using ReplicationPad2d = FunctionLayer<PadLayerOptions<PadMode::replicate, 2>>;
using ReplicationPad3d = FunctionLayer<PadLayerOptions<PadMode::replicate, 3>>;
/// @}
/// The elements from the opposite side. Throws ShapeError for a padding of more than the size.
/// @{
using CircularPad1d = FunctionLayer<PadLayerOptions<PadMode::circular, 1>>;
using CircularPad2d = FunctionLayer<PadLayerOptions<PadMode::circular, 2>>;
using CircularPad3d = FunctionLayer<PadLayerOptions<PadMode::circular, 3>>;
/// @}

}  // namespace gradus::nn
