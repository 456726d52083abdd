// Convolution layers over one, two and three spatial dimensions.
#pragma once

#include "module.h"

namespace gradus::nn {

/// What all convolutions have: a weight, and a bias that may be switched off.
class ConvLayer : public Module {
 public:
  Tensor& weight;  ///< the filters; shape: see Conv, ConvTranspose
  Tensor& bias;    ///< one number per output channel; undefined without one

 protected:
  ConvLayer(const Shape& weight_shape, int64_t out_channels, bool with_bias);
};

/// Options of Conv over N spatial dimensions: PyTorch's names and defaults. A single number stands
/// for all dimensions.
template <size_t N>
struct ConvOptions {
  static constexpr const char* type = for_dims<N>("Conv1d", "Conv2d", "Conv3d");
  int64_t in_channels = 0;   ///< has to be given
  int64_t out_channels = 0;  ///< number of filters; has to be given
  Sizes<N> kernel_size = 0;  ///< has to be given
  Sizes<N> stride = 1;       ///< elements of the input between neighbouring windows; at least 1
  Padding<N> padding = 0;    ///< elements on both sides, or "same" or "valid"
  Sizes<N> dilation = 1;     ///< elements of the input between neighbours in a window; at least 1
  /// Separate convolutions side by side; divides both numbers of channels. in_channels of them make
  /// a depthwise convolution.
  int64_t groups = 1;
  bool bias = true;  ///< add a number per output channel; in vain before a batch norm
  PadMode padding_mode = PadMode::constant;  ///< constant is called "zeros" in model files
  bool winograd = true;                      ///< not in PyTorch; see gradus::ConvOptions

  void describe(OptionVisitor& visit);
};

/// A convolution (cross-correlation) of x [N, in_channels, ...] to [N, out_channels, ...]; sizes as
/// for gradus::conv2d. weight [out_channels, in_channels / groups, k...] and bias [out_channels]
/// start uniform in +-1/sqrt(in_channels / groups k...). Throws ValueError for sizes that are not
/// positive, channels that groups do not divide, and padding "same" with a stride.
template <size_t N>
class Conv : public Layer<ConvOptions<N>, ConvLayer> {
 public:
  using Options = ConvOptions<N>;
  explicit Conv(const Options& options);
  Tensor forward(const Tensor& x) override;
  /// The same with other parameters of these shapes.
  Tensor forward_with(const Tensor& x, const Tensor& other_weight, const Tensor& other_bias) const;

 private:
  gradus::ConvOptions<N> geometry_;       // of the convolution itself
  std::array<int64_t, 2 * N> pads_ = {};  // before it: (begin, end) of the last dimension first
};

using Conv1d = Conv<1>;  ///< [N, C, L] or [C, L]
using Conv2d = Conv<2>;  ///< [N, C, H, W] or [C, H, W]
using Conv3d = Conv<3>;  ///< [N, C, D, H, W] or [C, D, H, W]
/// The options by the number of dimensions.
/// @{
using Conv1dOptions = ConvOptions<1>;
using Conv2dOptions = ConvOptions<2>;
using Conv3dOptions = ConvOptions<3>;
/// @}
extern template class Conv<1>;
extern template class Conv<2>;
extern template class Conv<3>;

/// Options of ConvTranspose over N spatial dimensions: PyTorch's names and defaults.
template <size_t N>
struct ConvTransposeOptions {
  static constexpr const char* type =
      for_dims<N>("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d");
  int64_t in_channels = 0;      ///< has to be given
  int64_t out_channels = 0;     ///< has to be given
  Sizes<N> kernel_size = 0;     ///< has to be given
  Sizes<N> stride = 1;          ///< by which the output is larger than the input; at least 1
  Sizes<N> padding = 0;         ///< taken away from both sides of the output
  Sizes<N> output_padding = 0;  ///< added to one side; less than stride or less than dilation
  int64_t groups = 1;           ///< separate ones side by side; divides both numbers of channels
  bool bias = true;             ///< add a number per output channel
  Sizes<N> dilation = 1;        ///< elements of the output between neighbours in a window
  PadMode padding_mode = PadMode::constant;  ///< has to be this one

  void describe(OptionVisitor& visit);
};

/// A transposed convolution of x [N, in_channels, ...] to [N, out_channels, ...]; sizes as for
/// gradus::conv_transpose2d. weight [in_channels, out_channels / groups, k...] and bias
/// [out_channels] start uniform in +-1/sqrt(out_channels / groups k...), as in PyTorch. Throws
/// ValueError as Conv does, and for an output_padding that is neither less than stride nor less
/// than dilation.
template <size_t N>
class ConvTranspose : public Layer<ConvTransposeOptions<N>, ConvLayer> {
 public:
  using Options = ConvTransposeOptions<N>;
  explicit ConvTranspose(const Options& options);
  Tensor forward(const Tensor& x) override;
  using Module::operator();
  /// A call with the output_padding that gives an output of this spatial size. Throws ValueError
  /// where none does: sizes from that without output_padding up to stride - 1 more are possible.
  Tensor operator()(const Tensor& x, const Sizes<N>& output_size);

 private:
  Sizes<N> output_padding_for(const Tensor& x, const Sizes<N>& output_size) const;
  Tensor apply(const Tensor& x, const Sizes<N>& output_padding) const;
};

using ConvTranspose1d = ConvTranspose<1>;  ///< [N, C, L] or [C, L]
using ConvTranspose2d = ConvTranspose<2>;  ///< [N, C, H, W] or [C, H, W]
using ConvTranspose3d = ConvTranspose<3>;  ///< [N, C, D, H, W] or [C, D, H, W]
/// The options by the number of dimensions.
/// @{
using ConvTranspose1dOptions = ConvTransposeOptions<1>;
using ConvTranspose2dOptions = ConvTransposeOptions<2>;
using ConvTranspose3dOptions = ConvTransposeOptions<3>;
/// @}
extern template class ConvTranspose<1>;
extern template class ConvTranspose<2>;
extern template class ConvTranspose<3>;

}  // namespace gradus::nn
