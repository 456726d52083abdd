// Convolution layers over one, two and three spatial dimensions.
#pragma once

#include <algorithm>

#include "../core/base/error.h"
#include "../core/conv/transformed_weight.h"
#include "init.h"
#include "module.h"

namespace gradus::nn {

/// Base of all convolutions: a weight, and an optional bias.
class ConvLayer : public Module {
 public:
  Tensor& weight;  ///< the filters; shape: see Conv, ConvTranspose
  Tensor& bias;    ///< one number per output channel; undefined without one

 protected:
  ConvLayer(const Shape& weight_shape, int64_t out_channels, bool with_bias)
      : weight(parameter("weight", Tensor::empty(weight_shape))),
        bias(parameter("bias", with_bias ? Tensor::empty({out_channels}) : Tensor())) {
    reset_weight_and_bias(weight, bias);
  }
};

namespace detail {

inline constexpr std::initializer_list<const char*> conv_padding_modes = {"zeros", "reflect",
                                                                          "replicate", "circular"};

/// Checks what convolutions and transposed ones share.
template <class Options>
void check_conv(const Options& o) {
  constexpr const char* hint = "all groups have the same number of channels";
  check_given(o.type, "in_channels", o.in_channels);
  check_given(o.type, "out_channels", o.out_channels);
  check_given(o.type, "kernel_size", o.kernel_size);
  check_at_least(o.type, "stride", o.stride, 1);
  check_at_least(o.type, "dilation", o.dilation, 1);
  check_at_least(o.type, "groups", o.groups, 1);
  require(o.in_channels % o.groups == 0, o.type, hint, "in_channels ", o.in_channels,
          " is not divisible by groups ", o.groups);
  require(o.out_channels % o.groups == 0, o.type, hint, "out_channels ", o.out_channels,
          " is not divisible by groups ", o.groups);
}

template <size_t N>
Shape with_kernel(int64_t first, int64_t second, const Sizes<N>& kernel_size) {
  Shape shape{first, second};
  for (int64_t size : kernel_size) shape.push_back(size);
  return shape;
}

}  // namespace detail

/// Options of Conv over N spatial dimensions: PyTorch's names and defaults. A single number is used
/// for all dimensions.
template <size_t N>
struct ConvOptions {
  static constexpr const char* type = for_dims<N>("Conv1d", "Conv2d", "Conv3d");
  int64_t in_channels = 0;   ///< required
  int64_t out_channels = 0;  ///< number of filters; required
  Sizes<N> kernel_size = 0;  ///< required
  Sizes<N> stride = 1;       ///< elements of the input between adjacent windows; at least 1
  Padding<N> padding = 0;    ///< elements on both sides, or "same" or "valid"
  Sizes<N> dilation = 1;     ///< elements of the input between those of a window; at least 1
  /// Separate convolutions side by side; divides both numbers of channels. groups = in_channels
  /// gives a depthwise convolution.
  int64_t groups = 1;
  bool bias = true;  ///< add a number per output channel; useless before a batch norm
  PadMode padding_mode = PadMode::constant;  ///< constant is called "zeros" in model files
  bool winograd = true;                      ///< not in PyTorch; see gradus::ConvOptions

  void describe(OptionVisitor& visit) {
    visit.required("in_channels", in_channels);
    visit.required("out_channels", out_channels);
    visit.required("kernel_size", kernel_size);
    visit("stride", stride);
    visit("padding", padding);
    visit("dilation", dilation);
    visit("groups", groups);
    visit("bias", bias);
    visit.choice("padding_mode", padding_mode, detail::conv_padding_modes);
    visit("winograd", winograd);
  }
  /// The shape of the weight. Throws ValueError for invalid options.
  Shape weight_shape() const {
    detail::check_conv(*this);
    check_at_least(type, "padding", padding.sizes(), 0);
    require(!padding.is_same() || stride == Sizes<N>(1), type,
            "with a stride the output cannot keep the size of the input",
            "padding \"same\" needs stride 1, got ", stride);
    return detail::with_kernel(out_channels, in_channels / groups, kernel_size);
  }
};

/// A convolution (cross-correlation) of x [N, in_channels, ...] to [N, out_channels, ...]; sizes as
/// for gradus::conv2d. weight [out_channels, in_channels / groups, k...] and bias [out_channels]
/// start uniform in +-1/sqrt(in_channels / groups k...). Throws ValueError for sizes that are not
/// positive, channels that groups do not divide, and padding "same" with a stride.
template <size_t N>
class Conv : public Layer<ConvOptions<N>, ConvLayer> {
 public:
  using Options = ConvOptions<N>;
  explicit Conv(const Options& o)
      : Layer<Options, ConvLayer>(o, o.weight_shape(), o.out_channels, o.bias),
        geometry_{.stride = o.stride,
                  .dilation = o.dilation,
                  .groups = o.groups,
                  .winograd = o.winograd} {
    for (size_t axis = 0; axis < N; ++axis) {
      const int64_t reach = o.dilation[axis] * (o.kernel_size[axis] - 1);
      const int64_t before = o.padding.is_same() ? reach / 2 : o.padding.sizes()[axis];
      const int64_t after = o.padding.is_same() ? reach - before : before;
      // The convolution itself adds equal numbers of zeros to both sides; any other padding is
      // applied before it.
      const bool by_itself = o.padding_mode == PadMode::constant;
      geometry_.padding[axis] = by_itself ? before : 0;
      pads_[2 * (N - 1 - axis)] = before - geometry_.padding[axis];
      pads_[2 * (N - 1 - axis) + 1] = after - geometry_.padding[axis];
    }
  }
  Tensor forward(const Tensor& x) override { return forward_with(x, this->weight, this->bias); }
  /// The same with other parameters of these shapes, relu behind it if asked for, and what
  /// transformed_weight() made of the weight, or nothing.
  Tensor forward_with(const Tensor& x, const Tensor& other_weight, const Tensor& other_bias,
                      bool with_relu = false, const Tensor& transformed = {}) const {
    gradus::ConvOptions<N> geometry = geometry_;
    geometry.relu = with_relu;
    const bool is_padded =
        std::any_of(pads_.begin(), pads_.end(), [](int64_t n) { return n != 0; });
    const Tensor padded = is_padded ? pad(x, pads_, this->options().padding_mode) : x;
    if constexpr (N == 2) {
      return gradus::detail::conv2d(padded, other_weight, other_bias, geometry, transformed);
    } else {
      return for_dims<N>(conv1d, nullptr, conv3d)(padded, other_weight, other_bias, geometry);
    }
  }

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

/// Options of ConvTranspose over N spatial dimensions: PyTorch's names and defaults.
template <size_t N>
struct ConvTransposeOptions {
  static constexpr const char* type =
      for_dims<N>("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d");
  int64_t in_channels = 0;      ///< required
  int64_t out_channels = 0;     ///< required
  Sizes<N> kernel_size = 0;     ///< required
  Sizes<N> stride = 1;          ///< by which the output is larger than the input; at least 1
  Sizes<N> padding = 0;         ///< removed from both sides of the output
  Sizes<N> output_padding = 0;  ///< added to one side; less than stride or less than dilation
  int64_t groups = 1;           ///< separate ones side by side; divides both numbers of channels
  bool bias = true;             ///< add a number per output channel
  Sizes<N> dilation = 1;        ///< elements of the output between those of a window
  PadMode padding_mode = PadMode::constant;  ///< no other is supported

  void describe(OptionVisitor& visit) {
    visit.required("in_channels", in_channels);
    visit.required("out_channels", out_channels);
    visit.required("kernel_size", kernel_size);
    visit("stride", stride);
    visit("padding", padding);
    visit("output_padding", output_padding);
    visit("groups", groups);
    visit("bias", bias);
    visit("dilation", dilation);
    visit.choice("padding_mode", padding_mode, detail::conv_padding_modes);
  }
  /// The shape of the weight. Throws ValueError for invalid options.
  Shape weight_shape() const {
    detail::check_conv(*this);
    check_at_least(type, "padding", padding, 0);
    check_at_least(type, "output_padding", output_padding, 0);
    for (size_t i = 0; i < N; ++i) {
      require(output_padding[i] < std::max(stride[i], dilation[i]), type,
              "output_padding must be less than stride or less than dilation", "output_padding ",
              output_padding, ", stride ", stride, ", dilation ", dilation);
    }
    require(padding_mode == PadMode::constant, type,
            "there is no other padding of a transposed convolution", "padding_mode must be zeros");
    return detail::with_kernel(in_channels, out_channels / groups, kernel_size);
  }
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
  explicit ConvTranspose(const Options& o)
      : Layer<Options, ConvLayer>(o, o.weight_shape(), o.out_channels, o.bias) {}
  Tensor forward(const Tensor& x) override { return apply(x, this->options().output_padding); }
  using Module::operator();
  /// A call with the output_padding that gives an output of this spatial size. Throws ValueError if
  /// none does: sizes from that without output_padding up to stride - 1 more are possible.
  Tensor operator()(const Tensor& x, const Sizes<N>& output_size) {
    return this->call(x, [&] { return apply(x, output_padding_for(x, output_size)); });
  }

 private:
  Sizes<N> output_padding_for(const Tensor& x, const Sizes<N>& output_size) const {
    const Options& o = this->options();
    Sizes<N> output_padding;
    for (size_t i = 0; i < N; ++i) {
      const int d = x.dim() - static_cast<int>(N - i);
      const int64_t smallest = ((d < 0 ? 1 : x.shape()[d]) - 1) * o.stride[i] - 2 * o.padding[i] +
                               o.dilation[i] * (o.kernel_size[i] - 1) + 1;
      output_padding[i] = output_size[i] - smallest;
      require(output_padding[i] >= 0 && output_padding[i] < o.stride[i], o.type,
              "leave it out for the smallest", "output_size ", output_size, " for input ",
              x.shape(), ": dimension ", d, " of the output can be ", smallest, " to ",
              smallest + o.stride[i] - 1);
    }
    return output_padding;
  }
  Tensor apply(const Tensor& x, const Sizes<N>& output_padding) const {
    const Options& o = this->options();
    return for_dims<N>(conv_transpose1d, conv_transpose2d, conv_transpose3d)(
        x, this->weight, this->bias, {o.stride, o.padding, output_padding, o.dilation, o.groups});
  }
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

}  // namespace gradus::nn
