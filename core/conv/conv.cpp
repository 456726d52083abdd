#include "conv_kernel.h"

#include "sliding_window.h"

namespace gradus {

using namespace ops;

namespace {

/// Checks that x and weight fit and returns the sizes of their convolution.
kernels::ConvSizes conv_sizes(const Shape& x, const Shape& weight, const Conv2dOptions& o) {
  const Size2 output = conv_output_size("conv2d", x, weight, o);
  return {.n = x[0],
          .c = x[1],
          .h = x[2],
          .w = x[3],
          .o = weight[0],
          .kh = weight[2],
          .kw = weight[3],
          .oh = output[0],
          .ow = output[1],
          .stride_h = o.stride[0],
          .stride_w = o.stride[1],
          .padding_h = o.padding[0],
          .padding_w = o.padding[1],
          .dilation_h = o.dilation[0],
          .dilation_w = o.dilation[1],
          .groups = o.groups,
          .winograd = o.winograd};
}

double conv_flops(const kernels::ConvSizes& s) {
  return 2.0 * static_cast<double>(s.n) * static_cast<double>(s.o * s.depth()) *
         static_cast<double>(s.oh * s.ow);
}

void check_gradient(const char* op, const Tensor& g, const kernels::ConvSizes& s) {
  if (g.shape() == Shape{s.n, s.o, s.oh, s.ow}) return;
  throw ShapeError(
      op, str("expected an output gradient ", Shape{s.n, s.o, s.oh, s.ow}, ", got ", g.shape()),
      "it has the shape of the result of the convolution");
}

}  // namespace

Tensor conv2d(const Tensor& input, const Tensor& weights, const Tensor& bias,
              const Conv2dOptions& options) {
  if (input.dim() == 3) {
    check_sample_channels("conv2d", input, weights, 1, options.groups);
    return squeeze(conv2d(unsqueeze(input, 0), weights, bias, options), 0);
  }
  const auto s = conv_sizes(input.shape(), weights.shape(), options);
  check_conv_arguments("conv2d", input, weights, bias, s.o);
  const Tensor x = contiguous(input), weight = contiguous(weights);
  const Tensor b = bias.defined() ? contiguous(bias) : Tensor();
  Tensor y = Tensor::empty({s.n, s.o, s.oh, s.ow}, x.dtype());
  dispatch_floating("conv2d", x.dtype(), [&]<class T>() {
    kernels::table<kernels::Conv<T>>().forward(
        s, y.mutable_data<T>(), x.data<T>(), weight.data<T>(), b.defined() ? b.data<T>() : nullptr);
  });
  return record(Op("conv2d", conv_flops(s)), inputs(x, weight, b), y, saved(x, weight), options,
                [](const TensorList& saved, const Conv2dOptions& o, const Tensor& g,
                   const Wanted& wanted) -> TensorList {
                  const Tensor &in = saved[0], &w = saved[1];
                  return {wanted[0] ? conv2d_input_gradient(g, w, in.shape(), o) : Tensor(),
                          wanted[1] ? conv2d_weight_gradient(g, in, w.shape(), o) : Tensor(),
                          wanted[2] ? sum(g, {0, 2, 3}) : Tensor()};
                });
}

Tensor conv2d_input_gradient(const Tensor& gradient, const Tensor& weights,
                             const Shape& input_shape, const Conv2dOptions& options) {
  check_same_dtype("conv2d_input_gradient", gradient, weights);
  const auto s = conv_sizes(input_shape, weights.shape(), options);
  check_gradient("conv2d_input_gradient", gradient, s);
  const Tensor g = contiguous(gradient), weight = contiguous(weights);
  Tensor dx = Tensor::empty(input_shape, g.dtype());
  dispatch_floating("conv2d_input_gradient", g.dtype(), [&]<class T>() {
    kernels::table<kernels::Conv<T>>().input_gradient(s, dx.mutable_data<T>(), g.data<T>(),
                                                      weight.data<T>());
  });
  return record(Op("conv2d_input_gradient", conv_flops(s)), inputs(g, weight), dx, saved(g, weight),
                options,
                [](const TensorList& saved, const Conv2dOptions& o, const Tensor& u,
                   const Wanted& wanted) -> TensorList {
                  const Tensor &g0 = saved[0], &w = saved[1];
                  return {wanted[0] ? conv2d(u, w, {}, o) : Tensor(),
                          wanted[1] ? conv2d_weight_gradient(g0, u, w.shape(), o) : Tensor()};
                });
}

Tensor conv2d_weight_gradient(const Tensor& gradient, const Tensor& input,
                              const Shape& weight_shape, const Conv2dOptions& options) {
  check_same_dtype("conv2d_weight_gradient", gradient, input);
  const auto s = conv_sizes(input.shape(), weight_shape, options);
  check_gradient("conv2d_weight_gradient", gradient, s);
  const Tensor g = contiguous(gradient), x = contiguous(input);
  Tensor dw = Tensor::empty(weight_shape, g.dtype());
  dispatch_floating("conv2d_weight_gradient", g.dtype(), [&]<class T>() {
    kernels::table<kernels::Conv<T>>().weight_gradient(s, dw.mutable_data<T>(), g.data<T>(),
                                                       x.data<T>());
  });
  return record(Op("conv2d_weight_gradient", conv_flops(s)), inputs(g, x), dw, saved(g, x), options,
                [](const TensorList& saved, const Conv2dOptions& o, const Tensor& u,
                   const Wanted& wanted) -> TensorList {
                  const Tensor &g0 = saved[0], &in = saved[1];
                  return {wanted[0] ? conv2d(in, u, {}, o) : Tensor(),
                          wanted[1] ? conv2d_input_gradient(g0, u, in.shape(), o) : Tensor()};
                });
}

}  // namespace gradus
