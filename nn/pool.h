// Pooling layers over one, two and three spatial dimensions; see core/ops.h for windows, output
// sizes and ties.
#pragma once

#include "function_layer.h"

namespace gradus::nn {

// --- The largest element of each window ---

/// Options of MaxPool over N spatial dimensions.
template <size_t N>
struct MaxPoolOptions {
  static constexpr const char* type = for_dims<N>("MaxPool1d", "MaxPool2d", "MaxPool3d");
  Sizes<N> kernel_size = 0;             ///< of a window, in elements; has to be given
  std::optional<Sizes<N>> stride = {};  ///< kernel_size where not given: windows do not overlap
  Sizes<N> padding = 0;    ///< on both sides; at most half of the kernel, and never the largest
  Sizes<N> dilation = 1;   ///< elements of the input between neighbours in a window; at least 1
  bool ceil_mode = false;  ///< keep a last window that hangs over the edge

  void describe(OptionVisitor& visit);
  void check() const;
  Tensor apply(const Tensor& x) const;
};
/// The largest element of each window; see gradus::max_pool2d.
///
/// Throws ValueError for sizes that are not positive and padding of more than half of the kernel.
template <size_t N>
class MaxPool : public FunctionLayer<MaxPoolOptions<N>> {
 public:
  explicit MaxPool(const MaxPoolOptions<N>& options) : FunctionLayer<MaxPoolOptions<N>>(options) {}
  explicit MaxPool(int64_t kernel_size) : MaxPool(MaxPoolOptions<N>{.kernel_size = kernel_size}) {}
  /// A call that also tells where the elements are, for MaxUnpool: PyTorch's return_indices.
  ValuesIndices with_indices(const Tensor& x);
};
using MaxPool1d = MaxPool<1>;  ///< [N, C, L] or [C, L]
using MaxPool2d = MaxPool<2>;  ///< [N, C, H, W] or [C, H, W]
using MaxPool3d = MaxPool<3>;  ///< [N, C, D, H, W] or [C, D, H, W]
/// The options by the number of dimensions.
/// @{
using MaxPool1dOptions = MaxPoolOptions<1>;
using MaxPool2dOptions = MaxPoolOptions<2>;
using MaxPool3dOptions = MaxPoolOptions<3>;
/// @}

/// Options of MaxUnpool over N spatial dimensions: those of the pool that it undoes.
template <size_t N>
struct MaxUnpoolOptions {
  static constexpr const char* type = for_dims<N>("MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d");
  Sizes<N> kernel_size = 0;             ///< of a window, in elements; has to be given
  std::optional<Sizes<N>> stride = {};  ///< kernel_size where not given: windows do not overlap
  Sizes<N> padding = 0;                 ///< of the pool

  void describe(OptionVisitor& visit);
};
/// Puts what a max pool took back to its places, among zeros. An output has size
/// (H - 1) stride - 2 padding + kernel_size unless `output_size` says otherwise; several sizes are
/// pooled to the same H. Needs the indices beside x: a call with x alone throws ValueError.
template <size_t N>
class MaxUnpool : public Layer<MaxUnpoolOptions<N>> {
 public:
  explicit MaxUnpool(const MaxUnpoolOptions<N>& options);
  explicit MaxUnpool(int64_t kernel_size)
      : MaxUnpool(MaxUnpoolOptions<N>{.kernel_size = kernel_size}) {}
  using Module::operator();
  Tensor operator()(const Tensor& x, const Tensor& indices,
                    const std::optional<Sizes<N>>& output_size = {});
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
  Sizes<N> kernel_size = 0;             ///< of a window, in elements; has to be given
  std::optional<Sizes<N>> stride = {};  ///< kernel_size where not given: windows do not overlap
  Sizes<N> padding = 0;                 ///< zeros on both sides; at most half of the kernel
  bool ceil_mode = false;               ///< keep a last window that hangs over the edge
  bool count_include_pad = true;        ///< padding counts in the number of elements
  std::optional<int64_t> divisor_override = {};  ///< in place of that number; not 0

  void describe(OptionVisitor& visit);
  void check() const;
  Tensor apply(const Tensor& x) const;
};
/// The mean of each window; see gradus::avg_pool2d.
///
/// Throws ValueError as MaxPool does, and for a divisor_override of 0.
template <size_t N>
class AvgPool : public FunctionLayer<AvgPoolOptions<N>> {
 public:
  explicit AvgPool(const AvgPoolOptions<N>& options) : FunctionLayer<AvgPoolOptions<N>>(options) {}
  explicit AvgPool(int64_t kernel_size) : AvgPool(AvgPoolOptions<N>{.kernel_size = kernel_size}) {}
};
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
  Sizes<N> kernel_size = 0;             ///< of a window, in elements; has to be given
  std::optional<Sizes<N>> stride = {};  ///< kernel_size where not given: windows do not overlap
  bool ceil_mode = false;               ///< keep a last window that hangs over the edge

  void describe(OptionVisitor& visit);
  void check() const;
  Tensor apply(const Tensor& x) const;
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

/// Options of AdaptiveAvgPool over N spatial dimensions.
template <size_t N>
struct AdaptiveAvgPoolOptions {
  static constexpr const char* type =
      for_dims<N>("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d");
  /// A size, or one per dimension; std::nullopt keeps that of the input.
  OutputSize<N> output_size = 1;

  void describe(OptionVisitor& visit) { visit.required("output_size", output_size); }
  void check() const;
  Tensor apply(const Tensor& x) const;
};
/// Means of as many windows as the output has elements; see gradus::adaptive_avg_pool2d.
/// AdaptiveAvgPool2d(1) is global average pooling. Throws ValueError for a negative size.
template <size_t N>
class AdaptiveAvgPool : public FunctionLayer<AdaptiveAvgPoolOptions<N>> {
 public:
  explicit AdaptiveAvgPool(const AdaptiveAvgPoolOptions<N>& options)
      : FunctionLayer<AdaptiveAvgPoolOptions<N>>(options) {}
  explicit AdaptiveAvgPool(int64_t output_size)
      : AdaptiveAvgPool(AdaptiveAvgPoolOptions<N>{.output_size = output_size}) {}
};
using AdaptiveAvgPool1d = AdaptiveAvgPool<1>;  ///< [N, C, L] or [C, L]
using AdaptiveAvgPool2d = AdaptiveAvgPool<2>;  ///< [N, C, H, W] or [C, H, W]
using AdaptiveAvgPool3d = AdaptiveAvgPool<3>;  ///< [N, C, D, H, W] or [C, D, H, W]
/// The options by the number of dimensions.
/// @{
using AdaptiveAvgPool1dOptions = AdaptiveAvgPoolOptions<1>;
using AdaptiveAvgPool2dOptions = AdaptiveAvgPoolOptions<2>;
using AdaptiveAvgPool3dOptions = AdaptiveAvgPoolOptions<3>;
/// @}

/// Options of AdaptiveMaxPool over N spatial dimensions.
template <size_t N>
struct AdaptiveMaxPoolOptions {
  static constexpr const char* type =
      for_dims<N>("AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d");
  /// A size, or one per dimension; std::nullopt keeps that of the input.
  OutputSize<N> output_size = 1;

  void describe(OptionVisitor& visit) { visit.required("output_size", output_size); }
  void check() const;
  Tensor apply(const Tensor& x) const;
};
/// The largest elements of the same windows. Throws as AdaptiveAvgPool does.
template <size_t N>
class AdaptiveMaxPool : public FunctionLayer<AdaptiveMaxPoolOptions<N>> {
 public:
  explicit AdaptiveMaxPool(const AdaptiveMaxPoolOptions<N>& options)
      : FunctionLayer<AdaptiveMaxPoolOptions<N>>(options) {}
  explicit AdaptiveMaxPool(int64_t output_size)
      : AdaptiveMaxPool(AdaptiveMaxPoolOptions<N>{.output_size = output_size}) {}
  /// A call that also tells where the elements are.
  ValuesIndices with_indices(const Tensor& x);
};
using AdaptiveMaxPool1d = AdaptiveMaxPool<1>;  ///< [N, C, L] or [C, L]
using AdaptiveMaxPool2d = AdaptiveMaxPool<2>;  ///< [N, C, H, W] or [C, H, W]
using AdaptiveMaxPool3d = AdaptiveMaxPool<3>;  ///< [N, C, D, H, W] or [C, D, H, W]
/// The options by the number of dimensions.
/// @{
using AdaptiveMaxPool1dOptions = AdaptiveMaxPoolOptions<1>;
using AdaptiveMaxPool2dOptions = AdaptiveMaxPoolOptions<2>;
using AdaptiveMaxPool3dOptions = AdaptiveMaxPoolOptions<3>;
/// @}

}  // namespace gradus::nn
