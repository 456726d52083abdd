// Pooling layers over one, two and three spatial dimensions; see core/ops.h for windows, output
// sizes and ties.
#pragma once

#include "../core/base/error.h"
#include "function_layer.h"

namespace gradus::nn {

namespace detail {

/// Throws ValueError for windows that make no sense.
template <class Options>
void check_windows(const Options& o) {
  check_at_least(o.type, "kernel_size", o.kernel_size, 1);
  check_at_least(o.type, "stride", o.stride.value_or(o.kernel_size), 1);
  if constexpr (requires { o.padding; }) {
    check_at_least(o.type, "padding", o.padding, 0);
    for (size_t i = 0; i < o.padding.size(); ++i) {
      require(o.padding[i] <= o.kernel_size[i] / 2, o.type,
              "a window must not lie in the padding alone", "padding ", o.padding,
              " is more than half of kernel_size ", o.kernel_size);
    }
  }
}

/// With the sizes of x if none are given. The operation itself rejects fewer dimensions.
template <size_t N>
Sizes<N> resolved(const OutputSize<N>& output_size, const Tensor& x) {
  Sizes<N> result;
  for (size_t i = 0; i < N; ++i) {
    const int d = x.dim() - static_cast<int>(N - i);
    result[i] = output_size[i].value_or(d < 0 ? 1 : x.shape()[d]);
  }
  return result;
}

}  // namespace detail

/// A pooling layer: built from its options, or from only the required one, which is their first.
template <class Options>
class PoolLayer : public FunctionLayer<Options> {
 public:
  explicit PoolLayer(const Options& options) : FunctionLayer<Options>(options) {}
  explicit PoolLayer(int64_t size) : PoolLayer(Options{size}) {}
  /// A call that also returns the indices of the elements, for MaxUnpool: PyTorch's return_indices.
  /// For MaxPool and AdaptiveMaxPool.
  ValuesIndices with_indices(const Tensor& x) {
    return this->call(x, &ValuesIndices::values, [&] { return this->options().with_indices(x); });
  }
};

// --- The largest element of each window ---

/// Options of MaxPool over N spatial dimensions.
template <size_t N>
struct MaxPoolOptions {
  static constexpr const char* type = for_dims<N>("MaxPool1d", "MaxPool2d", "MaxPool3d");
  Sizes<N> kernel_size = 0;             ///< of a window, in elements; required
  std::optional<Sizes<N>> stride = {};  ///< kernel_size if not given: windows do not overlap
  Sizes<N> padding = 0;    ///< on both sides; at most half of the kernel, and never the largest
  Sizes<N> dilation = 1;   ///< elements of the input between those of a window; at least 1
  bool ceil_mode = false;  ///< keep a last window that extends past the edge

  void describe(OptionVisitor& visit) {
    visit.required("kernel_size", kernel_size);
    visit("stride", stride);
    visit("padding", padding);
    visit("dilation", dilation);
    visit("ceil_mode", ceil_mode);
  }
  void check() const {
    detail::check_windows(*this);
    check_at_least(type, "dilation", dilation, 1);
  }
  gradus::PoolOptions<N> windows() const {
    return {kernel_size, stride, padding, dilation, ceil_mode};
  }
  Tensor apply(const Tensor& x) const {
    return for_dims<N>(max_pool1d, max_pool2d, max_pool3d)(x, windows());
  }
  ValuesIndices with_indices(const Tensor& x) const {
    return for_dims<N>(max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices)(
        x, windows());
  }
};
/// The largest element of each window; see gradus::max_pool2d.
///
/// Throws ValueError for sizes that are not positive and padding of more than half of the kernel.
template <size_t N>
using MaxPool = PoolLayer<MaxPoolOptions<N>>;
using MaxPool1d = MaxPool<1>;  ///< [N, C, L] or [C, L]
using MaxPool2d = MaxPool<2>;  ///< [N, C, H, W] or [C, H, W]
using MaxPool3d = MaxPool<3>;  ///< [N, C, D, H, W] or [C, D, H, W]
/// The options by the number of dimensions.
/// @{
using MaxPool1dOptions = MaxPoolOptions<1>;
using MaxPool2dOptions = MaxPoolOptions<2>;
using MaxPool3dOptions = MaxPoolOptions<3>;
/// @}

/// Options of MaxUnpool over N spatial dimensions: those of the pool that it inverts.
template <size_t N>
struct MaxUnpoolOptions {
  static constexpr const char* type = for_dims<N>("MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d");
  Sizes<N> kernel_size = 0;             ///< of a window, in elements; required
  std::optional<Sizes<N>> stride = {};  ///< kernel_size if not given: windows do not overlap
  Sizes<N> padding = 0;                 ///< of the pool

  void describe(OptionVisitor& visit) {
    visit.required("kernel_size", kernel_size);
    visit("stride", stride);
    visit("padding", padding);
  }
  void check() const { detail::check_windows(*this); }
};
/// Puts the results of a max pool back to their positions, with zeros elsewhere. An output has size
/// (H - 1) stride - 2 padding + kernel_size unless `output_size` says otherwise; several sizes are
/// pooled to the same H. Needs the indices besides x: a call with only x throws ValueError.
template <size_t N>
class MaxUnpool : public Layer<MaxUnpoolOptions<N>> {
 public:
  explicit MaxUnpool(const MaxUnpoolOptions<N>& o) : Layer<MaxUnpoolOptions<N>>(o) {}
  explicit MaxUnpool(int64_t kernel_size)
      : MaxUnpool(MaxUnpoolOptions<N>{.kernel_size = kernel_size}) {}
  using Module::operator();
  Tensor operator()(const Tensor& x, const Tensor& indices,
                    const std::optional<Sizes<N>>& output_size = {}) {
    const MaxUnpoolOptions<N>& o = this->options();
    const Sizes<N> stride = o.stride.value_or(o.kernel_size);
    Sizes<N> size = detail::resolved(OutputSize<N>(std::nullopt), x);
    for (size_t i = 0; i < N; ++i) {
      size[i] = (size[i] - 1) * stride[i] - 2 * o.padding[i] + o.kernel_size[i];
    }
    return this->call(x, [&] {
      return for_dims<N>(max_unpool1d, max_unpool2d, max_unpool3d)(x, indices,
                                                                   output_size.value_or(size));
    });
  }
};
using MaxUnpool1d = MaxUnpool<1>;  ///< [N, C, L] or [C, L]
using MaxUnpool2d = MaxUnpool<2>;  ///< [N, C, H, W] or [C, H, W]
using MaxUnpool3d = MaxUnpool<3>;  ///< [N, C, D, H, W] or [C, D, H, W]
/// The options by the number of dimensions.
/// @{
using MaxUnpool1dOptions = MaxUnpoolOptions<1>;
using MaxUnpool2dOptions = MaxUnpoolOptions<2>;
using MaxUnpool3dOptions = MaxUnpoolOptions<3>;
/// @}

// --- Averages and norms of windows ---

/// Options of AvgPool over N spatial dimensions.
template <size_t N>
struct AvgPoolOptions {
  static constexpr const char* type = for_dims<N>("AvgPool1d", "AvgPool2d", "AvgPool3d");
  Sizes<N> kernel_size = 0;             ///< of a window, in elements; required
  std::optional<Sizes<N>> stride = {};  ///< kernel_size if not given: windows do not overlap
  Sizes<N> padding = 0;                 ///< zeros on both sides; at most half of the kernel
  bool ceil_mode = false;               ///< keep a last window that extends past the edge
  bool count_include_pad = true;        ///< padding counts in the number of elements
  std::optional<int64_t> divisor_override = {};  ///< in place of that number; not 0

  void describe(OptionVisitor& visit) {
    visit.required("kernel_size", kernel_size);
    visit("stride", stride);
    visit("padding", padding);
    visit("ceil_mode", ceil_mode);
    visit("count_include_pad", count_include_pad);
    visit("divisor_override", divisor_override);
  }
  void check() const {
    detail::check_windows(*this);
    require(divisor_override != 0, type, "leave it empty to divide by the number of elements",
            "divisor_override must not be 0");
  }
  Tensor apply(const Tensor& x) const {
    return for_dims<N>(avg_pool1d, avg_pool2d, avg_pool3d)(
        x, {kernel_size, stride, padding, 1, ceil_mode, count_include_pad, divisor_override});
  }
};
/// The mean of each window; see gradus::avg_pool2d.
///
/// Throws ValueError as MaxPool does, and for a divisor_override of 0.
template <size_t N>
using AvgPool = PoolLayer<AvgPoolOptions<N>>;
using AvgPool1d = AvgPool<1>;  ///< [N, C, L] or [C, L]
using AvgPool2d = AvgPool<2>;  ///< [N, C, H, W] or [C, H, W]
using AvgPool3d = AvgPool<3>;  ///< [N, C, D, H, W] or [C, D, H, W]
/// The options by the number of dimensions.
/// @{
using AvgPool1dOptions = AvgPoolOptions<1>;
using AvgPool2dOptions = AvgPoolOptions<2>;
using AvgPool3dOptions = AvgPoolOptions<3>;
/// @}

/// Options of LPPool over N spatial dimensions.
template <size_t N>
struct LPPoolOptions {
  static_assert(N <= 2);
  static constexpr const char* type = for_dims<N>("LPPool1d", "LPPool2d", "");
  double norm_type = 2;                 ///< the power; positive and finite
  Sizes<N> kernel_size = 0;             ///< of a window, in elements; required
  std::optional<Sizes<N>> stride = {};  ///< kernel_size if not given: windows do not overlap
  bool ceil_mode = false;               ///< keep a last window that extends past the edge

  void describe(OptionVisitor& visit) {
    visit.required("norm_type", norm_type);
    visit.required("kernel_size", kernel_size);
    visit("stride", stride);
    visit("ceil_mode", ceil_mode);
  }
  void check() const {
    detail::check_windows(*this);
    require(norm_type > 0, type, "2 is the Euclidean norm", "norm_type must be positive, got ",
            norm_type);
  }
  Tensor apply(const Tensor& x) const {
    return for_dims<N>(lp_pool1d, lp_pool2d, nullptr)(x, norm_type,
                                                      {kernel_size, stride, 0, 1, ceil_mode});
  }
};
/// (sum of x^norm_type)^(1 / norm_type) over each window. The gradient is infinite where the sum is
/// 0 and norm_type above 1.
/// @{
using LPPool1d = FunctionLayer<LPPoolOptions<1>>;
using LPPool2d = FunctionLayer<LPPoolOptions<2>>;
using LPPool1dOptions = LPPoolOptions<1>;
using LPPool2dOptions = LPPoolOptions<2>;
/// @}

// --- Windows that follow from the size of the output ---

/// Options of AdaptiveAvgPool or AdaptiveMaxPool over N spatial dimensions.
template <bool is_max, size_t N>
struct AdaptivePoolOptions {
  static constexpr const char* type =
      is_max ? for_dims<N>("AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d")
             : for_dims<N>("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d");
  /// A size, or one per dimension; std::nullopt keeps that of the input.
  OutputSize<N> output_size = 1;

  void describe(OptionVisitor& visit) { visit.required("output_size", output_size); }
  void check() const {
    for (const auto& size : output_size) check_at_least(type, "output_size", size.value_or(0), 0);
  }
  Tensor apply(const Tensor& x) const {
    if constexpr (is_max) return with_indices(x).values;
    return for_dims<N>(adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)(
        x, detail::resolved(output_size, x));
  }
  ValuesIndices with_indices(const Tensor& x) const {
    return for_dims<N>(adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d)(
        x, detail::resolved(output_size, x));
  }
};
/// The options of each.
/// @{
template <size_t N>
using AdaptiveAvgPoolOptions = AdaptivePoolOptions<false, N>;
template <size_t N>
using AdaptiveMaxPoolOptions = AdaptivePoolOptions<true, N>;
/// @}
/// Means of as many windows as the output has elements; see gradus::adaptive_avg_pool2d.
/// AdaptiveAvgPool2d(1) is global average pooling. Throws ValueError for a negative size.
template <size_t N>
using AdaptiveAvgPool = PoolLayer<AdaptiveAvgPoolOptions<N>>;
using AdaptiveAvgPool1d = AdaptiveAvgPool<1>;  ///< [N, C, L] or [C, L]
using AdaptiveAvgPool2d = AdaptiveAvgPool<2>;  ///< [N, C, H, W] or [C, H, W]
using AdaptiveAvgPool3d = AdaptiveAvgPool<3>;  ///< [N, C, D, H, W] or [C, D, H, W]
/// The largest elements of the same windows. Throws as AdaptiveAvgPool does.
template <size_t N>
using AdaptiveMaxPool = PoolLayer<AdaptiveMaxPoolOptions<N>>;
using AdaptiveMaxPool1d = AdaptiveMaxPool<1>;  ///< [N, C, L] or [C, L]
using AdaptiveMaxPool2d = AdaptiveMaxPool<2>;  ///< [N, C, H, W] or [C, H, W]
using AdaptiveMaxPool3d = AdaptiveMaxPool<3>;  ///< [N, C, D, H, W] or [C, D, H, W]
/// The options by the number of dimensions.
/// @{
using AdaptiveAvgPool1dOptions = AdaptiveAvgPoolOptions<1>;
using AdaptiveAvgPool2dOptions = AdaptiveAvgPoolOptions<2>;
using AdaptiveAvgPool3dOptions = AdaptiveAvgPoolOptions<3>;
using AdaptiveMaxPool1dOptions = AdaptiveMaxPoolOptions<1>;
using AdaptiveMaxPool2dOptions = AdaptiveMaxPoolOptions<2>;
using AdaptiveMaxPool3dOptions = AdaptiveMaxPoolOptions<3>;
/// @}

}  // namespace gradus::nn
