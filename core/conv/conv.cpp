// Convolutions: checks, and what the tape records. conv2d and its two gradients have kernels;
// convolutions of one and three dimensions and all transposed ones are composed of these, so that
// derivatives of every order follow.
#include "../elementwise/apply.h"
#include "conv_kernel.h"
#include "sliding_window.h"
#include "transformed_weight.h"

namespace gradus {

using namespace ops;

namespace {

// --- Checks ---

/// Output sizes of the convolution of x [N,C,...] with `weight`, or of the transposed one. Throws
/// in the name of `op` if they do not fit or an option makes no sense.
template <template <size_t> class Options, size_t N>
Sizes<N> output_size(const char* op, const Shape& x, const Shape& weight, const Options<N>& o) {
  constexpr bool transposed = std::is_same_v<Options<N>, ConvTransposeOptions<N>>;
  constexpr int dims = static_cast<int>(N) + 2;
  require(all_between(o.stride, 1) && all_between(o.dilation, 1) && all_between(o.padding, 0) &&
              o.groups >= 1 && o.groups <= largest_size,
          op, "stride, dilation and groups are at least 1, padding at least 0", "stride ", o.stride,
          ", padding ", o.padding, ", dilation ", o.dilation, ", groups ", o.groups);
  if (x.dim() != dims || weight.dim() != dims) {
    throw ShapeError(op,
                     str("expected input [N,C,", spatial_layout<N>, "] and weight [",
                         transposed ? "C,O/groups," : "O,C/groups,",
                         N == 1   ? "k"
                         : N == 2 ? "kh,kw"
                                  : "kd,kh,kw",
                         "]: input ", x, ", weight ", weight),
                     str("a single sample is [C,", spatial_layout<N>, "]"));
  }
  const std::string shapes = str("input ", x, ", weight ", weight, ", groups ", o.groups);
  require<ShapeError>(
      weight[0] > 0 && weight[0] % o.groups == 0 && all_between(weight.part(2, dims), 1), op,
      transposed ? "in_channels must be a multiple of groups, and no size 0"
                 : "out_channels must be a multiple of groups, and no size 0",
      "invalid weight: ", shapes);
  const int64_t channels = transposed ? weight[0] : weight[1] * o.groups;
  require<ShapeError>(x[1] == channels, op,
                      "the channels of the input must be those the layer was built with",
                      "expected ", channels, " input channels, got ", x[1], ": ", shapes);
  Sizes<N> output;
  for (size_t i = 0; i < N; ++i) {
    const int d = static_cast<int>(i) + 2;
    if constexpr (transposed) {
      const int64_t more = o.output_padding[i];
      require(more >= 0 && more < std::max(o.stride[i], o.dilation[i]), op,
              "output_padding is at least 0, and less than stride or dilation", "output_padding ",
              o.output_padding, ", stride ", o.stride, ", dilation ", o.dilation);
      output[i] =
          (x[d] - 1) * o.stride[i] - 2 * o.padding[i] + o.dilation[i] * (weight[d] - 1) + more + 1;
      require<ShapeError>(x[d] >= 1 && output[i] >= 1, op,
                          "padding takes its size away from both sides: use less",
                          "nothing is left of the output: ", shapes, ", stride ", o.stride,
                          ", padding ", o.padding);
    } else {
      const int64_t room = room_for(weight[d], x[d], o.padding[i], o.dilation[i]);
      require<ShapeError>(room >= 0, op, "use a smaller kernel or dilation, or more padding",
                          "the kernel is larger than the padded input: ", shapes, ", padding ",
                          o.padding, ", dilation ", o.dilation);
      output[i] = room / o.stride[i] + 1;
    }
  }
  return output;
}

/// Throws unless x [C,...], which is read as a single sample, has so many channels.
void check_sample(const char* op, const Tensor& x, const Shape& weight, int64_t channels,
                  const char* layout) {
  if (x.size(0) == channels) return;
  throw ShapeError(op,
                   str("expected ", channels, " input channels, got ", x.size(0), ": input ",
                       x.shape(), " is read as a single sample [C,", layout, "], weight ", weight),
                   channels == 1
                       ? str("unsqueeze(1) makes a batch of one channel of it, [N,1,", layout, "]")
                       : str("a batch is [N,", channels, ",", layout, "]"));
}

/// Checks the arguments of convolution `op` and returns `run(batch, output sizes)` for x, which may
/// be a single sample [C,...].
template <template <size_t> class Options, size_t N, class Run>
Tensor convolve(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias,
                const Options<N>& o, const Run& run) {
  constexpr bool transposed = std::is_same_v<Options<N>, ConvTransposeOptions<N>>;
  if (x.dim() == static_cast<int>(N) + 1) {
    if (weight.dim() == x.dim() + 1 && o.groups >= 1) {  // else told by the checks that follow
      check_sample(op, x, weight.shape(), transposed ? weight.size(0) : weight.size(1) * o.groups,
                   spatial_layout<N>);
    }
    return squeeze(convolve(op, unsqueeze(x, 0), weight, bias, o, run), 0);
  }
  const Sizes<N> output = output_size(op, x.shape(), weight.shape(), o);
  check_floating(op, x);
  check_same_dtype(op, x, weight);
  if (bias.defined()) {
    const int64_t channels = transposed ? weight.size(1) * o.groups : weight.size(0);
    check_same_dtype(op, x, bias);
    require<ShapeError>(bias.shape() == Shape{channels}, op,
                        "the bias has one element per output channel", "expected a bias [",
                        channels, "], got ", bias.shape(), ": weight ", weight.shape());
  }
  return run(x, output);
}

// --- Planes ---

kernels::ConvSizes sizes_of(const Shape& x, const Shape& weight, const Size2& output,
                            const Conv2dOptions& o) {
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
          .winograd = o.winograd,
          .relu = o.relu};
}

/// The same convolution without relu: what its gradients are the gradients of.
Conv2dOptions without_relu(const Conv2dOptions& options) {
  Conv2dOptions linear = options;
  linear.relu = false;
  return linear;
}

/// The sizes of the convolution of which g is the output gradient, if `other` and it fit.
kernels::ConvSizes gradient_sizes(const char* op, const Tensor& g, const Tensor& other,
                                  const Shape& x, const Shape& weight, const Conv2dOptions& o) {
  check_same_dtype(op, g, other);
  const Size2 output = output_size("conv2d", x, weight, o);
  const Shape expected{x[0], weight[0], output[0], output[1]};
  require<ShapeError>(g.shape() == expected, op,
                      "it has the shape of the result of the convolution",
                      "expected an output gradient ", expected, ", got ", g.shape());
  return sizes_of(x, weight, output, without_relu(o));
}

double flops_of(const kernels::ConvSizes& s) {
  return 2.0 * static_cast<double>(s.n) * static_cast<double>(s.o * s.depth()) *
         static_cast<double>(s.oh * s.ow);
}

/// The weight gradient, and that of the bias unless null, if one pass makes both.
Tensor weight_gradient(const Tensor& gradient, const Tensor& input, const Shape& weight_shape,
                       const Conv2dOptions& options, Tensor* bias_gradient) {
  const auto s = gradient_sizes("conv2d_weight_gradient", gradient, input, input.shape(),
                                weight_shape, options);
  const Tensor g = contiguous(gradient), x = contiguous(input);
  const bool is_empty = g.numel() == 0;  // kernels need at least one sample
  Tensor dw = is_empty ? zeros(weight_shape, g.dtype()) : Tensor::empty(weight_shape, g.dtype());
  Tensor db;
  if (bias_gradient != nullptr && !is_empty) db = Tensor::empty({s.o}, g.dtype());
  dispatch_floating("conv2d_weight_gradient", g.dtype(), [&]<class T>() {
    if (is_empty) return;
    const bool has_bias = kernels::table<kernels::Conv<T>>().weight_gradient(
        s, dw.mutable_data<T>(), db.defined() ? db.mutable_data<T>() : nullptr, g.data<T>(),
        x.data<T>());
    if (!has_bias) db = Tensor();
  });
  if (db.defined()) {
    *bias_gradient = record(Op("sum", static_cast<double>(g.numel())), inputs(g), db, saved(g),
                            [](auto& of, auto& u) {
                              return expand(reshape(u, {-1, 1, 1}), of[0].shape());
                            });
  }
  return record(Op("conv2d_weight_gradient", flops_of(s)), inputs(g, x), dw, saved(g, x),
                without_relu(options),
                [](auto& saved, auto& o, auto& u, auto& wanted) -> TensorList {
                  const Tensor &g0 = saved[0], &in = saved[1];
                  return {wanted[0] ? conv2d(in, u, {}, o) : Tensor(),
                          wanted[1] ? conv2d_input_gradient(g0, u, in.shape(), o) : Tensor()};
                });
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options) {
  return detail::conv2d(x, weight, bias, options, {});
}

Tensor detail::transformed_weight(const Tensor& weight) {
  using Winograd = kernels::WinogradConv<float>;
  if (weight.dtype() != float32 || weight.dim() != 4 || weight.size(2) != 3 ||
      weight.size(3) != 3 || weight.size(0) < Winograd::fewest_channels ||
      weight.size(1) < Winograd::fewest_channels) {
    return {};
  }
  const auto s = sizes_of({1, weight.size(1), 4, 4}, weight.shape(), {4, 4}, {.padding = 1});
  const auto& table = kernels::table<Winograd>();
  Tensor result = Tensor::empty({table.room_for(s)}, float32);
  const Tensor w = contiguous(weight);
  const bool in_range = table.transform(s, result.mutable_data<float>(), w.data<float>());
  return in_range ? result : Tensor();
}

Tensor detail::conv2d(const Tensor& input, const Tensor& weights, const Tensor& bias,
                      const Conv2dOptions& options, const Tensor& transformed) {
  return convolve(
      "conv2d", input, weights, bias, options, [&](const Tensor& batch, const Size2& output) {
        auto s = sizes_of(batch.shape(), weights.shape(), output, options);
        // Another instruction set has another layout, unless the size is the same.
        if (transformed.defined() &&
            transformed.numel() == kernels::table<kernels::WinogradConv<float>>().room_for(s)) {
          s.transformed = transformed.data<float>();
        }
        const Tensor x = contiguous(batch), weight = contiguous(weights);
        const Tensor b = bias.defined() ? contiguous(bias) : Tensor();
        Tensor y = Tensor::empty({s.n, s.o, s.oh, s.ow}, x.dtype());
        dispatch_floating("conv2d", x.dtype(), [&]<class T>() {
          kernels::table<kernels::Conv<T>>().forward(s, y.mutable_data<T>(), x.data<T>(),
                                                     weight.data<T>(),
                                                     b.defined() ? b.data<T>() : nullptr);
        });
        const auto kept = saved(x, weight, y);
        return record(Op("conv2d", flops_of(s)), inputs(x, weight, b), y,
                      TensorRefs(kept.data(), options.relu ? 3 : 2), options,
                      [](auto& saved, auto& o, auto& of_y, auto& wanted) -> TensorList {
                        const Tensor &in = saved[0], &w = saved[1];
                        const Tensor g = o.relu ? relu_gradient(of_y, saved[2]) : of_y;
                        const Conv2dOptions linear = without_relu(o);
                        Tensor dx, dw, db;
                        if (wanted[0]) dx = conv2d_input_gradient(g, w, in.shape(), linear);
                        if (wanted[1]) {
                          dw = weight_gradient(g, in, w.shape(), linear, wanted[2] ? &db : nullptr);
                        }
                        if (wanted[2] && !db.defined()) db = sum(g, {0, 2, 3});
                        return {dx, dw, db};
                      });
      });
}

Tensor conv2d_input_gradient(const Tensor& gradient, const Tensor& weights,
                             const Shape& input_shape, const Conv2dOptions& options) {
  const auto s = gradient_sizes("conv2d_input_gradient", gradient, weights, input_shape,
                                weights.shape(), options);
  const Tensor g = contiguous(gradient), weight = contiguous(weights);
  Tensor dx = Tensor::empty(input_shape, g.dtype());
  dispatch_floating("conv2d_input_gradient", g.dtype(), [&]<class T>() {
    kernels::table<kernels::Conv<T>>().input_gradient(s, dx.mutable_data<T>(), g.data<T>(),
                                                      weight.data<T>());
  });
  return record(Op("conv2d_input_gradient", flops_of(s)), inputs(g, weight), dx, saved(g, weight),
                without_relu(options),
                [](auto& saved, auto& o, auto& u, auto& wanted) -> TensorList {
                  const Tensor &g0 = saved[0], &w = saved[1];
                  return {wanted[0] ? conv2d(u, w, {}, o) : Tensor(),
                          wanted[1] ? conv2d_weight_gradient(g0, u, w.shape(), o) : Tensor()};
                });
}

Tensor conv2d_weight_gradient(const Tensor& gradient, const Tensor& input,
                              const Shape& weight_shape, const Conv2dOptions& options) {
  return weight_gradient(gradient, input, weight_shape, options, nullptr);
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose2dOptions& options) {
  const Tape::Span span("conv_transpose2d", options);
  return convolve(
      "conv_transpose2d", x, weight, bias, options, [&](const Tensor& batch, const Size2& output) {
        // A convolution of an output this large may have more elements than x has: those count as
        // 0.
        const int64_t rows = options.output_padding[0] / options.stride[0];
        const int64_t columns = options.output_padding[1] / options.stride[1];
        const bool is_short = rows > 0 || columns > 0;
        const Tensor g = is_short ? pad(batch, std::array<int64_t, 4>{0, columns, 0, rows}) : batch;
        const Shape shape{batch.size(0), weight.size(1) * options.groups, output[0], output[1]};
        const Tensor y = conv2d_input_gradient(g, weight, shape,
                                               {.stride = options.stride,
                                                .padding = options.padding,
                                                .dilation = options.dilation,
                                                .groups = options.groups});
        return bias.defined() ? add(y, reshape(bias, {-1, 1, 1})) : y;
      });
}

// --- One dimension: a plane of height 1 ---

namespace {

/// Height and width of {length} or {depth, height, width}; a height that is not there is `none`.
template <size_t N>
Size2 plane(const Sizes<N>& s, int64_t none) {
  return {N == 1 ? none : s[N - 2], s[N - 1]};
}

/// The options of a convolution over planes.
template <size_t N>
Conv2dOptions over_planes(const ConvOptions<N>& o) {
  return {plane(o.stride, 1), plane(o.padding, 0), plane(o.dilation, 1),
          o.groups,           o.winograd,          o.relu};
}
template <size_t N>
ConvTranspose2dOptions over_planes(const ConvTransposeOptions<N>& o) {
  return {plane(o.stride, 1), plane(o.padding, 0), plane(o.output_padding, 0), plane(o.dilation, 1),
          o.groups};
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv1dOptions& options) {
  const Tape::Span span("conv1d", options);
  return convolve("conv1d", x, weight, bias, options, [&](const Tensor& batch, const Size1&) {
    return squeeze(conv2d(unsqueeze(batch, 2), unsqueeze(weight, 2), bias, over_planes(options)),
                   2);
  });
}

Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose1dOptions& options) {
  const Tape::Span span("conv_transpose1d", options);
  return convolve(
      "conv_transpose1d", x, weight, bias, options, [&](const Tensor& batch, const Size1&) {
        return squeeze(
            conv_transpose2d(unsqueeze(batch, 2), unsqueeze(weight, 2), bias, over_planes(options)),
            2);
      });
}

// --- Three dimensions: planes, taken from and laid at their places in depth ---

namespace {

/// x with planes of zeros before and after its own.
Tensor pad_depth(const Tensor& x, int64_t before, int64_t behind) {
  if (before == 0 && behind == 0) return x;
  return pad(x, std::array<int64_t, 6>{0, 0, 0, 0, before, behind});
}

}  // namespace

// The planes under each position of the kernel become channels of one image per output plane:
// [N,C,D,H,W] to [N D',C kd,H,W], for a weight that needs no more than another shape.
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv3dOptions& options) {
  const Tape::Span span("conv3d", options);
  return convolve(
      "conv3d", x, weight, bias, options, [&](const Tensor& batch, const Size3& output) {
        const int64_t n = batch.size(0), taps = weight.size(2);
        const Tensor padded = pad_depth(batch, options.padding[0], options.padding[0]);
        std::vector<Tensor> planes;  // of each tap: [N,D',C,H,W]
        for (int64_t k = 0; k < taps; ++k) {
          const int64_t start = k * options.dilation[0];
          planes.push_back(transpose(slice(padded, 2, start, output[0], options.stride[0]), 1, 2));
        }
        const Tensor images = flatten(flatten(stack(planes, 3), 2, 3), 0, 1);
        const Tensor y = conv2d(images, flatten(weight, 1, 2), bias, over_planes(options));
        return transpose(unflatten(y, 0, {n, output[0]}), 1, 2);
      });
}

// The way back of conv3d: each plane of x gives the images of all its taps at once, as channels;
// they are laid at their places in depth and added.
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose3dOptions& options) {
  const Tape::Span span("conv_transpose3d", options);
  return convolve(
      "conv_transpose3d", x, weight, bias, options, [&](const Tensor& batch, const Size3& output) {
        const int64_t n = batch.size(0), depth = batch.size(2), taps = weight.size(2);
        const int64_t channels = weight.size(1) * options.groups, stride = options.stride[0];
        const Tensor images = conv_transpose2d(flatten(transpose(batch, 1, 2), 0, 1),
                                               flatten(weight, 1, 2), {}, over_planes(options));
        const Tensor by_tap = reshape(images, {n, depth, channels, taps, output[1], output[2]});
        const int64_t total = output[0] + 2 * options.padding[0];  // before that is cut away
        Tensor sum;
        for (int64_t k = 0; k < taps; ++k) {
          Tensor planes = transpose(select(by_tap, 3, k), 1, 2);
          if (stride > 1) planes = flatten(pad_depth(unsqueeze(planes, 3), 0, stride - 1), 2, 3);
          const int64_t start = k * options.dilation[0];
          const Tensor placed = pad_depth(planes, start, total - start - depth * stride);
          sum = sum.defined() ? add(sum, placed) : placed;
        }
        const Tensor y = narrow(sum, 2, options.padding[0], output[0]);
        return bias.defined() ? add(y, reshape(bias, {-1, 1, 1, 1})) : y;
      });
}

}  // namespace gradus
