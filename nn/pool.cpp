#include "pool.h"

#include "../core/base/error.h"

namespace gradus::nn {

namespace {

template <size_t N>
void check_window(const char* type, const Sizes<N>& kernel_size,
                  const std::optional<Sizes<N>>& stride, const Sizes<N>& padding) {
  check_at_least(type, "kernel_size", kernel_size, 1);
  check_at_least(type, "stride", stride.value_or(kernel_size), 1);
  check_at_least(type, "padding", padding, 0);
  for (size_t i = 0; i < N; ++i) {
    if (padding[i] <= kernel_size[i] / 2) continue;
    throw ValueError(
        type,
        str("padding ", Shape(padding), " is more than half of kernel_size ", Shape(kernel_size)),
        "a window must not lie in the padding alone");
  }
}

template <size_t N>
void check_output_size(const char* type, const OutputSize<N>& output_size) {
  for (const auto& size : output_size) check_at_least(type, "output_size", size.value_or(0), 0);
}

/// With the sizes of x where none is asked for.
template <size_t N>
Sizes<N> resolved(const OutputSize<N>& output_size, const Tensor& x) {
  Sizes<N> result;
  for (size_t i = 0; i < N; ++i) {
    const int d = x.dim() - static_cast<int>(N - i);
    // Fewer dimensions are refused by the operation itself.
    result[i] = output_size[i].value_or(d < 0 ? 1 : x.shape()[d]);
  }
  return result;
}

template <size_t N>
gradus::PoolOptions<N> windows(const MaxPoolOptions<N>& o) {
  return {.kernel_size = o.kernel_size,
          .stride = o.stride,
          .padding = o.padding,
          .dilation = o.dilation,
          .ceil_mode = o.ceil_mode};
}

}  // namespace

// --- The largest element of each window ---

template <size_t N>
void MaxPoolOptions<N>::describe(OptionVisitor& visit) {
  visit.required("kernel_size", kernel_size);
  visit("stride", stride);
  visit("padding", padding);
  visit("dilation", dilation);
  visit("ceil_mode", ceil_mode);
}

template <size_t N>
void MaxPoolOptions<N>::check() const {
  check_window(type, kernel_size, stride, padding);
  check_at_least(type, "dilation", dilation, 1);
}

template <size_t N>
Tensor MaxPoolOptions<N>::apply(const Tensor& x) const {
  return for_dims<N>(max_pool1d, max_pool2d, max_pool3d)(x, windows(*this));
}

template <size_t N>
ValuesIndices MaxPool<N>::with_indices(const Tensor& x) {
  ValuesIndices result;
  this->call(x, [&] {
    result = for_dims<N>(max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices)(
        x, windows(this->options()));
    return result.values;
  });
  return result;
}

template <size_t N>
void MaxUnpoolOptions<N>::describe(OptionVisitor& visit) {
  visit.required("kernel_size", kernel_size);
  visit("stride", stride);
  visit("padding", padding);
}

template <size_t N>
MaxUnpool<N>::MaxUnpool(const MaxUnpoolOptions<N>& o) : Layer<MaxUnpoolOptions<N>>(o) {
  check_window(o.type, o.kernel_size, o.stride, o.padding);
}

template <size_t N>
Tensor MaxUnpool<N>::operator()(const Tensor& x, const Tensor& indices,
                                const std::optional<Sizes<N>>& output_size) {
  const MaxUnpoolOptions<N>& o = this->options();
  const Sizes<N> stride = o.stride.value_or(o.kernel_size);
  const Sizes<N> input_size = resolved(OutputSize<N>(std::nullopt), x);
  Sizes<N> size;
  for (size_t i = 0; i < N; ++i) {
    size[i] = (input_size[i] - 1) * stride[i] - 2 * o.padding[i] + o.kernel_size[i];
  }
  return this->call(x, [&] {
    return for_dims<N>(max_unpool1d, max_unpool2d, max_unpool3d)(x, indices,
                                                                 output_size.value_or(size));
  });
}

// --- Averages and norms of windows ---

template <size_t N>
void AvgPoolOptions<N>::describe(OptionVisitor& visit) {
  visit.required("kernel_size", kernel_size);
  visit("stride", stride);
  visit("padding", padding);
  visit("ceil_mode", ceil_mode);
  visit("count_include_pad", count_include_pad);
  visit("divisor_override", divisor_override);
}

template <size_t N>
void AvgPoolOptions<N>::check() const {
  check_window(type, kernel_size, stride, padding);
  if (divisor_override == 0) {
    throw ValueError(type, "divisor_override must not be 0",
                     "leave it empty to divide by the number of elements");
  }
}

template <size_t N>
Tensor AvgPoolOptions<N>::apply(const Tensor& x) const {
  const gradus::PoolOptions<N> windows{.kernel_size = kernel_size,
                                       .stride = stride,
                                       .padding = padding,
                                       .ceil_mode = ceil_mode,
                                       .count_include_pad = count_include_pad,
                                       .divisor_override = divisor_override};
  return for_dims<N>(avg_pool1d, avg_pool2d, avg_pool3d)(x, windows);
}

template <size_t N>
void LPPoolOptions<N>::describe(OptionVisitor& visit) {
  visit.required("norm_type", norm_type);
  visit.required("kernel_size", kernel_size);
  visit("stride", stride);
  visit("ceil_mode", ceil_mode);
}

template <size_t N>
void LPPoolOptions<N>::check() const {
  check_window(type, kernel_size, stride, {});
  if (!(norm_type > 0)) {
    throw ValueError(type, str("norm_type must be positive, got ", norm_type),
                     "2 is the Euclidean norm");
  }
}

template <size_t N>
Tensor LPPoolOptions<N>::apply(const Tensor& x) const {
  const gradus::PoolOptions<N> windows{
      .kernel_size = kernel_size, .stride = stride, .ceil_mode = ceil_mode};
  return for_dims<N>(lp_pool1d, lp_pool2d, nullptr)(x, norm_type, windows);
}

// --- Windows that follow from the size of the output ---

template <size_t N>
void AdaptiveAvgPoolOptions<N>::check() const {
  check_output_size(type, output_size);
}

template <size_t N>
Tensor AdaptiveAvgPoolOptions<N>::apply(const Tensor& x) const {
  return for_dims<N>(adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)(
      x, resolved(output_size, x));
}

template <size_t N>
void AdaptiveMaxPoolOptions<N>::check() const {
  check_output_size(type, output_size);
}

template <size_t N>
Tensor AdaptiveMaxPoolOptions<N>::apply(const Tensor& x) const {
  return for_dims<N>(adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d)(
             x, resolved(output_size, x))
      .values;
}

template <size_t N>
ValuesIndices AdaptiveMaxPool<N>::with_indices(const Tensor& x) {
  ValuesIndices result;
  this->call(x, [&] {
    result = for_dims<N>(adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d)(
        x, resolved(this->options().output_size, x));
    return result.values;
  });
  return result;
}

template struct MaxPoolOptions<1>;
template struct MaxPoolOptions<2>;
template struct MaxPoolOptions<3>;
template class MaxPool<1>;
template class MaxPool<2>;
template class MaxPool<3>;
template struct MaxUnpoolOptions<1>;
template struct MaxUnpoolOptions<2>;
template struct MaxUnpoolOptions<3>;
template class MaxUnpool<1>;
template class MaxUnpool<2>;
template class MaxUnpool<3>;
template struct AvgPoolOptions<1>;
template struct AvgPoolOptions<2>;
template struct AvgPoolOptions<3>;
template struct LPPoolOptions<1>;
template struct LPPoolOptions<2>;
template struct AdaptiveAvgPoolOptions<1>;
template struct AdaptiveAvgPoolOptions<2>;
template struct AdaptiveAvgPoolOptions<3>;
template struct AdaptiveMaxPoolOptions<1>;
template struct AdaptiveMaxPoolOptions<2>;
template struct AdaptiveMaxPoolOptions<3>;
template class AdaptiveMaxPool<1>;
template class AdaptiveMaxPool<2>;
template class AdaptiveMaxPool<3>;

}  // namespace gradus::nn
