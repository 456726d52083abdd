// Convolutions of one and three dimensions and all transposed ones, made of conv2d and its input
// gradient: derivatives of every order follow from those.
#include "sliding_window.h"

namespace gradus {

using namespace ops;

namespace {

/// The convolution along the last dimension of a plane of height 1.
Conv2dOptions in_plane(const Conv1dOptions& o) {
  return {.stride = {1, o.stride[0]},
          .padding = {0, o.padding[0]},
          .dilation = {1, o.dilation[0]},
          .groups = o.groups};
}

ConvTranspose2dOptions in_plane(const ConvTranspose1dOptions& o) {
  return {.stride = {1, o.stride[0]},
          .padding = {0, o.padding[0]},
          .output_padding = {0, o.output_padding[0]},
          .dilation = {1, o.dilation[0]},
          .groups = o.groups};
}

/// Height and width of {depth, height, width}.
Size2 plane(const Size3& s) {
  return {s[1], s[2]};
}

/// `f`, which takes [N,C,...], of a single sample [C,...].
template <class F>
Tensor of_single(const F& f, const Tensor& x) {
  return squeeze(f(unsqueeze(x, 0)), 0);
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv1dOptions& options) {
  if (x.dim() == 2) {
    check_sample_channels("conv1d", x, weight, 1, options.groups);
    return of_single([&](const Tensor& b) { return conv1d(b, weight, bias, options); }, x);
  }
  conv_output_size("conv1d", x.shape(), weight.shape(), options);
  check_conv_arguments("conv1d", x, weight, bias, weight.size(0));
  return squeeze(conv2d(unsqueeze(x, 2), unsqueeze(weight, 2), bias, in_plane(options)), 2);
}

// The planes under each position of the kernel become channels of one image per output plane:
// [N,C,D,H,W] to [N D',C kd,H,W], for a weight that needs no more than another shape.
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv3dOptions& options) {
  if (x.dim() == 4) {
    check_sample_channels("conv3d", x, weight, 1, options.groups);
    return of_single([&](const Tensor& b) { return conv3d(b, weight, bias, options); }, x);
  }
  const Size3 output = conv_output_size("conv3d", x.shape(), weight.shape(), options);
  check_conv_arguments("conv3d", x, weight, bias, weight.size(0));
  const int64_t ends = options.padding[0], n = x.size(0), taps = weight.size(2);
  const Tensor padded = ends == 0 ? x : pad(x, std::array<int64_t, 6>{0, 0, 0, 0, ends, ends});
  std::vector<Tensor> planes;  // of each tap: [N,D',C,H,W]
  for (int64_t k = 0; k < taps; ++k) {
    const int64_t start = k * options.dilation[0];
    planes.push_back(transpose(slice(padded, 2, start, output[0], options.stride[0]), 1, 2));
  }
  const Tensor images =
      reshape(stack(planes, 3), {n * output[0], x.size(1) * taps, x.size(3), x.size(4)});
  const Tensor y = conv2d(images, flatten(weight, 1, 2), bias,
                          {.stride = plane(options.stride),
                           .padding = plane(options.padding),
                           .dilation = plane(options.dilation),
                           .groups = options.groups,
                           .winograd = options.winograd});
  return transpose(reshape(y, {n, output[0], weight.size(0), output[1], output[2]}), 1, 2);
}

// --- Transposed convolutions ---

namespace {

Tensor add_bias(const Tensor& y, const Tensor& bias) {
  if (!bias.defined()) return y;
  Shape channels = Shape::filled(y.dim(), 1);
  channels[1] = bias.size(0);
  return add(y, reshape(bias, channels));
}

/// x [N,C,D,H,W] with `stride` - 1 zeros behind each plane: [N,C,D stride,H,W].
Tensor spread_planes(const Tensor& x, int64_t stride) {
  if (stride == 1) return x;
  const Tensor spread = pad(unsqueeze(x, 3), std::array<int64_t, 6>{0, 0, 0, 0, 0, stride - 1});
  return flatten(spread, 2, 3);
}

}  // namespace

Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose1dOptions& options) {
  if (x.dim() == 2) {
    check_sample_channels("conv_transpose1d", x, weight, 0, options.groups);
    return of_single([&](const Tensor& b) { return conv_transpose1d(b, weight, bias, options); },
                     x);
  }
  conv_transpose_output_size("conv_transpose1d", x.shape(), weight.shape(), options);
  check_conv_arguments("conv_transpose1d", x, weight, bias, weight.size(1) * options.groups);
  const Tensor y = conv_transpose2d(unsqueeze(x, 2), unsqueeze(weight, 2), bias, in_plane(options));
  return squeeze(y, 2);
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose2dOptions& options) {
  if (x.dim() == 3) {
    check_sample_channels("conv_transpose2d", x, weight, 0, options.groups);
    return of_single([&](const Tensor& b) { return conv_transpose2d(b, weight, bias, options); },
                     x);
  }
  const Size2 output =
      conv_transpose_output_size("conv_transpose2d", x.shape(), weight.shape(), options);
  const int64_t channels = weight.size(1) * options.groups;
  check_conv_arguments("conv_transpose2d", x, weight, bias, channels);
  // A convolution of an output this large may have more elements than x has: those count as 0.
  const int64_t rows = options.output_padding[0] / options.stride[0];
  const int64_t columns = options.output_padding[1] / options.stride[1];
  const bool is_short = rows > 0 || columns > 0;
  const Tensor g = is_short ? pad(x, std::array<int64_t, 4>{0, columns, 0, rows}) : x;
  const Tensor y = conv2d_input_gradient(g, weight, {x.size(0), channels, output[0], output[1]},
                                         {.stride = options.stride,
                                          .padding = options.padding,
                                          .dilation = options.dilation,
                                          .groups = options.groups});
  return add_bias(y, bias);
}

// The way back of conv3d: each plane of x gives the images of all its taps at once, as channels;
// they are laid at their places in depth and added.
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose3dOptions& options) {
  if (x.dim() == 4) {
    check_sample_channels("conv_transpose3d", x, weight, 0, options.groups);
    return of_single([&](const Tensor& b) { return conv_transpose3d(b, weight, bias, options); },
                     x);
  }
  const Size3 output =
      conv_transpose_output_size("conv_transpose3d", x.shape(), weight.shape(), options);
  const int64_t channels = weight.size(1) * options.groups;
  check_conv_arguments("conv_transpose3d", x, weight, bias, channels);
  const int64_t n = x.size(0), depth = x.size(2), taps = weight.size(2);
  const Tensor images =
      conv_transpose2d(flatten(transpose(x, 1, 2), 0, 1), flatten(weight, 1, 2), {},
                       {.stride = plane(options.stride),
                        .padding = plane(options.padding),
                        .output_padding = plane(options.output_padding),
                        .dilation = plane(options.dilation),
                        .groups = options.groups});
  const Tensor by_tap = reshape(images, {n, depth, channels, taps, output[1], output[2]});
  const int64_t stride = options.stride[0];
  const int64_t total = output[0] + 2 * options.padding[0];  // before the padding is cut away
  Tensor sum;
  for (int64_t k = 0; k < taps; ++k) {
    const Tensor planes = spread_planes(transpose(select(by_tap, 3, k), 1, 2), stride);
    const int64_t start = k * options.dilation[0];
    const int64_t behind = total - start - depth * stride;
    const Tensor placed = pad(planes, std::array<int64_t, 6>{0, 0, 0, 0, start, behind});
    sum = sum.defined() ? add(sum, placed) : placed;
  }
  return add_bias(narrow(sum, 2, options.padding[0], output[0]), bias);
}

}  // namespace gradus
