#include "conv.h"

#include <algorithm>

#include "../core/base/error.h"
#include "init.h"

namespace gradus::nn {

namespace {

constexpr std::initializer_list<const char*> padding_modes = {"zeros", "reflect", "replicate",
                                                              "circular"};

void check_divisible(const char* type, const char* option, int64_t channels, int64_t groups) {
  if (channels % groups == 0) return;
  throw ValueError(type, str(option, " ", channels, " is not divisible by groups ", groups),
                   "all groups have the same number of channels");
}

/// What convolutions and transposed ones have in common.
template <class Options>
void check_common(const Options& o) {
  check_given(o.type, "in_channels", o.in_channels);
  check_given(o.type, "out_channels", o.out_channels);
  check_given(o.type, "kernel_size", o.kernel_size);
  check_at_least(o.type, "stride", o.stride, 1);
  check_at_least(o.type, "dilation", o.dilation, 1);
  check_at_least(o.type, "groups", o.groups, 1);
  check_divisible(o.type, "in_channels", o.in_channels, o.groups);
  check_divisible(o.type, "out_channels", o.out_channels, o.groups);
}

template <size_t N>
const ConvOptions<N>& checked(const ConvOptions<N>& o) {
  check_common(o);
  check_at_least(o.type, "padding", o.padding.sizes(), 0);
  if (o.padding.is_same() && o.stride != Sizes<N>(1)) {
    throw ValueError(o.type, str("padding \"same\" needs stride 1, got ", Shape(o.stride)),
                     "with a stride the output cannot keep the size of the input");
  }
  return o;
}

template <size_t N>
const ConvTransposeOptions<N>& checked(const ConvTransposeOptions<N>& o) {
  check_common(o);
  check_at_least(o.type, "padding", o.padding, 0);
  check_at_least(o.type, "output_padding", o.output_padding, 0);
  for (size_t i = 0; i < N; ++i) {
    if (o.output_padding[i] < std::max(o.stride[i], o.dilation[i])) continue;
    throw ValueError(o.type,
                     str("output_padding ", Shape(o.output_padding), ", stride ", Shape(o.stride),
                         ", dilation ", Shape(o.dilation)),
                     "output_padding must be less than stride or less than dilation");
  }
  if (o.padding_mode != PadMode::constant) {
    throw ValueError(o.type, "padding_mode must be zeros",
                     "there is no other padding of a transposed convolution");
  }
  return o;
}

template <size_t N>
Shape with_kernel(int64_t first, int64_t second, const Sizes<N>& kernel_size) {
  Shape shape{first, second};
  for (int64_t size : kernel_size) shape.push_back(size);
  return shape;
}

/// Of checked options.
template <size_t N>
Shape weight_shape(const ConvOptions<N>& o) {
  return with_kernel(o.out_channels, o.in_channels / o.groups, o.kernel_size);
}

template <size_t N>
Shape weight_shape(const ConvTransposeOptions<N>& o) {
  return with_kernel(o.in_channels, o.out_channels / o.groups, o.kernel_size);
}

}  // namespace

ConvLayer::ConvLayer(const Shape& weight_shape, int64_t out_channels, bool with_bias)
    : weight(parameter("weight", Tensor::empty(weight_shape))),
      bias(parameter("bias", with_bias ? Tensor::empty({out_channels}) : Tensor())) {
  reset_weight_and_bias(weight, bias);
}

// --- Convolutions ---

template <size_t N>
void ConvOptions<N>::describe(OptionVisitor& visit) {
  visit.required("in_channels", in_channels);
  visit.required("out_channels", out_channels);
  visit.required("kernel_size", kernel_size);
  visit("stride", stride);
  visit("padding", padding);
  visit("dilation", dilation);
  visit("groups", groups);
  visit("bias", bias);
  visit.choice("padding_mode", padding_mode, padding_modes);
  visit("winograd", winograd);
}

template <size_t N>
Conv<N>::Conv(const Options& o)
    : Layer<Options, ConvLayer>(o, weight_shape(checked(o)), o.out_channels, o.bias),
      geometry_{
          .stride = o.stride, .dilation = o.dilation, .groups = o.groups, .winograd = o.winograd} {
  for (size_t axis = 0; axis < N; ++axis) {
    const int64_t reach = o.dilation[axis] * (o.kernel_size[axis] - 1);
    const int64_t before = o.padding.is_same() ? reach / 2 : o.padding.sizes()[axis];
    const int64_t after = o.padding.is_same() ? reach - before : before;
    // The convolution itself adds equal numbers of zeros to both sides; what it cannot do is padded
    // before it.
    int64_t* pads = &pads_[2 * (N - 1 - axis)];
    if (o.padding_mode == PadMode::constant) {
      geometry_.padding[axis] = before;
      pads[1] = after - before;
    } else {
      pads[0] = before;
      pads[1] = after;
    }
  }
}

template <size_t N>
Tensor Conv<N>::forward(const Tensor& x) {
  return forward_with(x, this->weight, this->bias);
}

template <size_t N>
Tensor Conv<N>::forward_with(const Tensor& x, const Tensor& other_weight,
                             const Tensor& other_bias) const {
  const bool padded = std::any_of(pads_.begin(), pads_.end(), [](int64_t n) { return n != 0; });
  return for_dims<N>(conv1d, conv2d, conv3d)(
      padded ? pad(x, pads_, this->options().padding_mode) : x, other_weight, other_bias,
      geometry_);
}

// --- Transposed convolutions ---

template <size_t N>
void ConvTransposeOptions<N>::describe(OptionVisitor& visit) {
  visit.required("in_channels", in_channels);
  visit.required("out_channels", out_channels);
  visit.required("kernel_size", kernel_size);
  visit("stride", stride);
  visit("padding", padding);
  visit("output_padding", output_padding);
  visit("groups", groups);
  visit("bias", bias);
  visit("dilation", dilation);
  visit.choice("padding_mode", padding_mode, padding_modes);
}

template <size_t N>
ConvTranspose<N>::ConvTranspose(const Options& o)
    : Layer<Options, ConvLayer>(o, weight_shape(checked(o)), o.out_channels, o.bias) {}

template <size_t N>
Tensor ConvTranspose<N>::forward(const Tensor& x) {
  return apply(x, this->options().output_padding);
}

template <size_t N>
Tensor ConvTranspose<N>::operator()(const Tensor& x, const Sizes<N>& output_size) {
  return this->call(x, [&] { return apply(x, output_padding_for(x, output_size)); });
}

template <size_t N>
Sizes<N> ConvTranspose<N>::output_padding_for(const Tensor& x, const Sizes<N>& output_size) const {
  const Options& o = this->options();
  Sizes<N> output_padding;
  for (size_t i = 0; i < N; ++i) {
    const int d = x.dim() - static_cast<int>(N - i);
    const int64_t smallest = ((d < 0 ? 1 : x.shape()[d]) - 1) * o.stride[i] - 2 * o.padding[i] +
                             o.dilation[i] * (o.kernel_size[i] - 1) + 1;
    output_padding[i] = output_size[i] - smallest;
    if (output_padding[i] < 0 || output_padding[i] >= o.stride[i]) {
      throw ValueError(
          o.type,
          str("output_size ", Shape(output_size), " for input ", x.shape(), ": dimension ", d,
              " of the output can be ", smallest, " to ", smallest + o.stride[i] - 1),
          "leave it out for the smallest");
    }
  }
  return output_padding;
}

template <size_t N>
Tensor ConvTranspose<N>::apply(const Tensor& x, const Sizes<N>& output_padding) const {
  const Options& o = this->options();
  const gradus::ConvTransposeOptions<N> geometry{.stride = o.stride,
                                                 .padding = o.padding,
                                                 .output_padding = output_padding,
                                                 .dilation = o.dilation,
                                                 .groups = o.groups};
  return for_dims<N>(conv_transpose1d, conv_transpose2d, conv_transpose3d)(x, this->weight,
                                                                           this->bias, geometry);
}

template struct ConvOptions<1>;
template struct ConvOptions<2>;
template struct ConvOptions<3>;
template struct ConvTransposeOptions<1>;
template struct ConvTransposeOptions<2>;
template struct ConvTransposeOptions<3>;
template class Conv<1>;
template class Conv<2>;
template class Conv<3>;
template class ConvTranspose<1>;
template class ConvTranspose<2>;
template class ConvTranspose<3>;

}  // namespace gradus::nn
