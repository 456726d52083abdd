#include "sliding_window.h"

#include <algorithm>

namespace gradus::ops {

namespace {

constexpr const char* spatial_layouts[] = {"L", "H,W", "D,H,W"};
constexpr const char* kernel_layouts[] = {"k", "kh,kw", "kd,kh,kw"};

/// Far above any sensible option, and far from overflow in the formulas below.
constexpr int64_t most = int64_t{1} << 30;

template <size_t N>
Shape shape_of(const Sizes<N>& sizes) {
  return Shape(sizes);
}

template <size_t N>
bool all_between(const Sizes<N>& sizes, int64_t least) {
  return std::all_of(sizes.begin(), sizes.end(),
                     [&](int64_t size) { return size >= least && size <= most; });
}

/// Options that a convolution and its transpose have in common.
template <class Options>
void check_conv_options(const char* op, const Options& o) {
  if (all_between(o.stride, 1) && all_between(o.dilation, 1) && all_between(o.padding, 0) &&
      o.groups >= 1 && o.groups <= most) {
    return;
  }
  throw ValueError(op,
                   str("stride ", shape_of(o.stride), ", padding ", shape_of(o.padding),
                       ", dilation ", shape_of(o.dilation), ", groups ", o.groups),
                   "stride, dilation and groups are at least 1, padding at least 0");
}

template <size_t N>
void check_conv_dims(const char* op, const char* weight_channels, const Shape& x,
                     const Shape& weight) {
  if (x.dim() == batched_dims<N> && weight.dim() == batched_dims<N>) return;
  throw ShapeError(
      op,
      str("expected input [N,C,", spatial_layouts[N - 1], "] and weight [", weight_channels, ",",
          kernel_layouts[N - 1], "]: input ", x, ", weight ", weight),
      str("a single sample is [C,", spatial_layouts[N - 1], "]"));
}

void check_channels(const char* op, int64_t expected, const Shape& x, const std::string& shapes) {
  if (x[1] == expected) return;
  throw ShapeError(op, str("expected ", expected, " input channels, got ", x[1], ": ", shapes),
                   "the channels of the input must be those the layer was built with");
}

/// Groups divide the first size of the weight; no size but the channels of a group may be 0.
void check_weight(const char* op, const char* first, const Shape& weight, int64_t groups,
                  const std::string& shapes) {
  bool fits = weight[0] > 0 && weight[0] % groups == 0;
  for (int d = 2; d < weight.dim(); ++d) fits = fits && weight[d] >= 1 && weight[d] <= most;
  if (fits) return;
  throw ShapeError(op, str("invalid weight: ", shapes),
                   str(first, " must be a multiple of groups, and no size 0"));
}

}  // namespace

void check_conv_arguments(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias,
                          int64_t channels) {
  check_floating(op, x);
  check_same_dtype(op, x, weight);
  if (!bias.defined()) return;
  check_same_dtype(op, x, bias);
  if (bias.shape() == Shape{channels}) return;
  throw ShapeError(
      op, str("expected a bias [", channels, "], got ", bias.shape(), ": weight ", weight.shape()),
      "the bias has one element per output channel");
}

void check_sample_channels(const char* op, const Tensor& x, const Tensor& weight, int channel_dim,
                           int64_t groups) {
  if (weight.dim() != x.dim() + 1 || groups < 1) return;  // told by the checks that follow
  // A convolution's weight [O,C/groups,...] has the channels of a group, a transposed one's all.
  const int64_t channels = channel_dim == 1 ? weight.size(1) * groups : weight.size(0);
  if (x.size(0) == channels) return;
  const char* const layout = spatial_layouts[static_cast<size_t>(x.dim()) - 2];
  throw ShapeError(
      op,
      str("expected ", channels, " input channels, got ", x.size(0), ": input ", x.shape(),
          " is read as a single sample [C,", layout, "], weight ", weight.shape()),
      channels == 1 ? str("unsqueeze(1) makes a batch of one channel of it, [N,1,", layout, "]")
                    : str("a batch is [N,", channels, ",", layout, "]"));
}

template <size_t N>
Sizes<N> conv_output_size(const char* op, const Shape& x, const Shape& weight,
                          const ConvOptions<N>& o) {
  check_conv_options(op, o);
  check_conv_dims<N>(op, "O,C/groups", x, weight);
  const std::string shapes = str("input ", x, ", weight ", weight, ", groups ", o.groups);
  check_weight(op, "out_channels", weight, o.groups, shapes);
  check_channels(op, weight[1] * o.groups, x, shapes);
  Sizes<N> output;
  for (size_t i = 0; i < N; ++i) {
    const int d = static_cast<int>(i) + 2;
    const int64_t room = x[d] + 2 * o.padding[i] - o.dilation[i] * (weight[d] - 1) - 1;
    if (room < 0) {
      throw ShapeError(op,
                       str("the kernel is larger than the padded input: ", shapes, ", padding ",
                           shape_of(o.padding), ", dilation ", shape_of(o.dilation)),
                       "use a smaller kernel or dilation, or more padding");
    }
    output[i] = room / o.stride[i] + 1;
  }
  return output;
}

template <size_t N>
Sizes<N> conv_transpose_output_size(const char* op, const Shape& x, const Shape& weight,
                                    const ConvTransposeOptions<N>& o) {
  check_conv_options(op, o);
  check_conv_dims<N>(op, "C,O/groups", x, weight);
  const std::string shapes = str("input ", x, ", weight ", weight, ", groups ", o.groups);
  check_weight(op, "in_channels", weight, o.groups, shapes);
  check_channels(op, weight[0], x, shapes);
  Sizes<N> output;
  for (size_t i = 0; i < N; ++i) {
    const int d = static_cast<int>(i) + 2;
    if (o.output_padding[i] < 0 || o.output_padding[i] >= std::max(o.stride[i], o.dilation[i])) {
      throw ValueError(op,
                       str("output_padding ", shape_of(o.output_padding), ", stride ",
                           shape_of(o.stride), ", dilation ", shape_of(o.dilation)),
                       "output_padding is at least 0, and less than stride or dilation");
    }
    output[i] = (x[d] - 1) * o.stride[i] - 2 * o.padding[i] + o.dilation[i] * (weight[d] - 1) +
                o.output_padding[i] + 1;
    if (x[d] < 1 || output[i] < 1) {
      throw ShapeError(op,
                       str("nothing is left of the output: ", shapes, ", stride ",
                           shape_of(o.stride), ", padding ", shape_of(o.padding)),
                       "padding takes its size away from both sides: use less");
    }
  }
  return output;
}

// --- Pools ---

namespace {

int64_t pooled_size(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                    bool ceil_mode) {
  const int64_t room = in + 2 * padding - dilation * (kernel - 1) - 1;
  if (room < 0) return 0;
  const int64_t out = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  // A window that would start in the padding behind the input does not count.
  return ceil_mode && (out - 1) * stride >= in + padding ? out - 1 : out;
}

template <size_t N>
void check_pool_options(const char* op, const PoolOptions<N>& o, const Sizes<N>& stride) {
  if (!all_between(o.kernel_size, 1) || !all_between(stride, 1) || !all_between(o.dilation, 1)) {
    throw ValueError(op,
                     str("kernel_size ", shape_of(o.kernel_size), ", stride ", shape_of(stride),
                         ", dilation ", shape_of(o.dilation), " must be at least 1"),
                     "1 is the next element; without a stride, windows do not overlap");
  }
  for (size_t i = 0; i < N; ++i) {
    if (o.padding[i] < 0 || o.padding[i] > o.kernel_size[i] / 2) {
      throw ValueError(
          op, str("padding ", shape_of(o.padding), " for kernel_size ", shape_of(o.kernel_size)),
          "padding may be at most half of the kernel");
    }
  }
}

}  // namespace

template <size_t N>
void check_pool_input(const char* op, const Tensor& x) {
  constexpr int dims = batched_dims<N>;
  check_floating(op, x);
  if (x.dim() != dims && x.dim() != dims - 1) {
    const char* layout = spatial_layouts[N - 1];
    throw ShapeError(op, str("expected [N,C,", layout, "] or [C,", layout, "], got ", x.shape()),
                     "unsqueeze(x, 0) adds channels or a batch of one, flatten() joins dimensions");
  }
  for (int d = x.dim() - dims + 1; d < x.dim(); ++d) {
    if (x.shape()[d] == 0) {
      throw ShapeError(op, str("only the batch may be empty, got ", x.shape()),
                       "there is nothing for a window to see");
    }
  }
}

template <size_t N>
Sizes<N> pool_output_size(const char* op, const Shape& x, const PoolOptions<N>& o) {
  const Sizes<N> stride = o.stride.value_or(o.kernel_size);
  check_pool_options(op, o, stride);
  Sizes<N> output;
  for (size_t i = 0; i < N; ++i) {
    const int64_t in = x[x.dim() - static_cast<int>(N - i)];
    output[i] =
        pooled_size(in, o.kernel_size[i], stride[i], o.padding[i], o.dilation[i], o.ceil_mode);
    if (output[i] < 1) {
      throw ShapeError(
          op,
          str("the window ", shape_of(o.kernel_size), " is larger than the padded input: input ", x,
              ", padding ", shape_of(o.padding), ", dilation ", shape_of(o.dilation)),
          "use a smaller window or dilation, or more padding");
    }
  }
  return output;
}

template Sizes<1> conv_output_size(const char*, const Shape&, const Shape&, const ConvOptions<1>&);
template Sizes<2> conv_output_size(const char*, const Shape&, const Shape&, const ConvOptions<2>&);
template Sizes<3> conv_output_size(const char*, const Shape&, const Shape&, const ConvOptions<3>&);
template Sizes<1> conv_transpose_output_size(const char*, const Shape&, const Shape&,
                                             const ConvTransposeOptions<1>&);
template Sizes<2> conv_transpose_output_size(const char*, const Shape&, const Shape&,
                                             const ConvTransposeOptions<2>&);
template Sizes<3> conv_transpose_output_size(const char*, const Shape&, const Shape&,
                                             const ConvTransposeOptions<3>&);
template void check_pool_input<1>(const char*, const Tensor&);
template void check_pool_input<2>(const char*, const Tensor&);
template void check_pool_input<3>(const char*, const Tensor&);
template Sizes<1> pool_output_size(const char*, const Shape&, const PoolOptions<1>&);
template Sizes<2> pool_output_size(const char*, const Shape&, const PoolOptions<2>&);
template Sizes<3> pool_output_size(const char*, const Shape&, const PoolOptions<3>&);

}  // namespace gradus::ops
