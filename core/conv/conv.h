// Convolution. Part of ops.h, which includes this.
//
// Tensors are [N, C, L], [N, C, H, W] or [N, C, D, H, W], or a single sample without N; the batch
// may be empty. 1-d and 3-d operations are built from the 2-d ones.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>

#include "../base/error.h"
#include "../tensor.h"

namespace gradus {

/// One number per spatial dimension; a single number is used for all: `3` is `{3, 3}`.
template <size_t N>
struct Sizes : std::array<int64_t, N> {
  Sizes(int64_t all = 0) { this->fill(all); }
  Sizes(std::initializer_list<int64_t> sizes) {
    require(sizes.size() == N, "sizes", "one number per spatial dimension", "expected ", N,
            " numbers, got ", sizes.size());
    std::copy(sizes.begin(), sizes.end(), this->begin());
  }
  /// As written in messages: `[3,3]`.
  std::string to_string() const { return Shape(*this).to_string(); }
};
using Size1 = Sizes<1>;  ///< length
using Size2 = Sizes<2>;  ///< height, width
using Size3 = Sizes<3>;  ///< depth, height, width

/// Options of a convolution over N spatial dimensions; conv1d to conv3d.
template <size_t N>
struct ConvOptions {
  Sizes<N> stride = 1;    ///< distance between adjacent windows, in input elements; at least 1
  Sizes<N> padding = 0;   ///< zeros on both sides
  Sizes<N> dilation = 1;  ///< distance between a window's elements, in input elements; at least 1
  int64_t groups = 1;     ///< separate convolutions side by side; divides C and O
  /// Whether 3x3 kernels may use Winograd's algorithm in float32, about three times as fast: with
  /// stride, dilation and groups 1, padding of at most 2, and 16 channels or more on both sides.
  /// The error is bounded per tile of 4x4 outputs, computed from 6x6 inputs: about 1e-6 times the
  /// sum over channels of (largest weight) (largest input of the tile). An output that sees no
  /// input of more than 1/4096 of the largest in its tile is computed from the definition, and so
  /// are tiles with inputs that are not finite, above 2^40 or all below 2^-60; an output that sees
  /// only zeros is the bias. Weights far below the largest of their tap are treated likewise.
  bool winograd = true;
  /// Whether negative outputs become 0, as relu() behind it would make them, but in one pass.
  bool relu = false;

  static void describe(auto& o, auto& visit) {
    visit("stride", o.stride);
    visit("padding", o.padding);
    visit("dilation", o.dilation);
    visit("groups", o.groups);
    visit("winograd", o.winograd);
    if (o.relu) visit("relu", o.relu);
  }
};
/// The options by the number of dimensions.
/// @{
using Conv1dOptions = ConvOptions<1>;
using Conv2dOptions = ConvOptions<2>;
using Conv3dOptions = ConvOptions<3>;
/// @}
/// x [N, C, H, W], weight [O, C / groups, kh, kw], bias [O] or undefined, to [N, O, H', W'] with
/// H' = (H + 2 padding - dilation (kh - 1) - 1) / stride + 1, rounded down. A cross-correlation, as
/// is usual in deep learning. conv1d and conv3d do the same for one and three spatial dimensions,
/// each through a single conv2d. Throws ShapeError for channels and sizes that do not match, and if
/// the kernel is larger than the padded input; ValueError for options out of range.
/// @{
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv1dOptions& options = {});
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv2dOptions& options = {});
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv3dOptions& options = {});
/// @}
/// The gradient of conv2d with respect to x of `input_shape`, for output gradient g. conv2d and
/// these two functions are closed under differentiation.
Tensor conv2d_input_gradient(const Tensor& g, const Tensor& weight, const Shape& input_shape,
                             const Conv2dOptions& options = {});
/// The gradient of conv2d with respect to a weight of `weight_shape`.
Tensor conv2d_weight_gradient(const Tensor& g, const Tensor& x, const Shape& weight_shape,
                              const Conv2dOptions& options = {});

/// Options of a transposed convolution over N spatial dimensions; conv_transpose1d to
/// conv_transpose3d.
template <size_t N>
struct ConvTransposeOptions {
  Sizes<N> stride = 1;   ///< distance between adjacent windows, in output elements; at least 1
  Sizes<N> padding = 0;  ///< removed from both sides of the output
  Sizes<N> output_padding = 0;  ///< added to one side; less than stride or less than dilation
  Sizes<N> dilation = 1;        ///< distance between a window's elements, in output elements
  int64_t groups = 1;           ///< as in ConvOptions

  static void describe(auto& o, auto& visit) {
    visit("stride", o.stride);
    visit("padding", o.padding);
    visit("output_padding", o.output_padding);
    visit("dilation", o.dilation);
    visit("groups", o.groups);
  }
};
/// The options by the number of dimensions.
/// @{
using ConvTranspose1dOptions = ConvTransposeOptions<1>;
using ConvTranspose2dOptions = ConvTransposeOptions<2>;
using ConvTranspose3dOptions = ConvTransposeOptions<3>;
/// @}
/// The transpose of a convolution with the same weight: the map from output gradients to input
/// gradients (Zeiler et al., CVPR 2010; it does not invert the convolution). x [N, C, H, W], weight
/// [C, O / groups, kh, kw], bias [O] or undefined, to [N, O, H', W'] with H' = (H - 1) stride -
/// 2 padding + dilation (kh - 1) + output_padding + 1. With a stride, several H' correspond to one
/// H; output_padding chooses among them. Throws as the convolutions do, and ShapeError if no output
/// is left.
/// @{
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTranspose1dOptions& options = {});
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTranspose2dOptions& options = {});
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTranspose3dOptions& options = {});
/// @}

}  // namespace gradus
