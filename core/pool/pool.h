// Pooling. Part of ops.h, which includes this.
//
// Tensors are [N, C, L], [N, C, H, W] or [N, C, D, H, W], or a single sample without N; the batch
// may be empty.
#pragma once

#include <optional>

#include "../conv/conv.h"
#include "../reduce/reduce.h"

namespace gradus {

/// Options of a pool over N spatial dimensions.
template <size_t N>
struct PoolOptions {
  Sizes<N> kernel_size = 2;             ///< of a window, in elements; at least 1
  std::optional<Sizes<N>> stride = {};  ///< kernel_size if not given
  Sizes<N> padding = 0;                 ///< on both sides; at most half of the kernel
  Sizes<N> dilation = 1;                ///< max pooling only
  bool ceil_mode = false;               ///< keep a last window that extends past the edge
  /// Average pooling only, rejected elsewhere: padding counts as zeros.
  bool count_include_pad = true;
  /// Likewise: the divisor of sums, in place of the number of elements; not 0.
  std::optional<int64_t> divisor_override = {};

  static void describe(auto& o, auto& visit) {
    visit("kernel_size", o.kernel_size);
    visit("stride", o.stride);
    visit("padding", o.padding);
    visit("dilation", o.dilation);
    visit("ceil_mode", o.ceil_mode);
    visit("count_include_pad", o.count_include_pad);
    visit("divisor_override", o.divisor_override);
  }
};
/// The options by the number of dimensions.
/// @{
using Pool1dOptions = PoolOptions<1>;
using Pool2dOptions = PoolOptions<2>;
using Pool3dOptions = PoolOptions<3>;
/// @}
/// The largest element of each window; H' = (H + 2 padding - dilation (kernel_size - 1) - 1) /
/// stride + 1, rounded down, or up in ceil_mode (but no window starts beyond the input). Throws
/// ShapeError for a wrong number of dimensions, sizes of 0 (except N) and if no output is left;
/// ValueError for options out of range. The same holds for averages.
/// @{
Tensor max_pool1d(const Tensor& x, const Pool1dOptions& options);
Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options);
Tensor max_pool3d(const Tensor& x, const Pool3dOptions& options);
/// @}
/// The same with indices: positions among the L, H W or D H W elements of each channel.
/// @{
ValuesIndices max_pool1d_with_indices(const Tensor& x, const Pool1dOptions& options);
ValuesIndices max_pool2d_with_indices(const Tensor& x, const Pool2dOptions& options);
ValuesIndices max_pool3d_with_indices(const Tensor& x, const Pool3dOptions& options);
/// @}
/// Sums of windows divided by their size, which includes padding only with count_include_pad; or by
/// divisor_override.
/// @{
Tensor avg_pool1d(const Tensor& x, const Pool1dOptions& options);
Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options);
Tensor avg_pool3d(const Tensor& x, const Pool3dOptions& options);
/// @}
/// Means of windows [floor(i H / H'), ceil((i + 1) H / H')) that cover the input, for an output of
/// size H'; `1` is global average pooling. Throws ValueError for sizes below 1.
/// @{
Tensor adaptive_avg_pool1d(const Tensor& x, const Size1& output_size);
Tensor adaptive_avg_pool2d(const Tensor& x, const Size2& output_size);
Tensor adaptive_avg_pool3d(const Tensor& x, const Size3& output_size);
/// @}
/// The largest elements of the same windows, and where they are, as for max pooling.
/// @{
ValuesIndices adaptive_max_pool1d(const Tensor& x, const Size1& output_size);
ValuesIndices adaptive_max_pool2d(const Tensor& x, const Size2& output_size);
ValuesIndices adaptive_max_pool3d(const Tensor& x, const Size3& output_size);
/// @}
/// The norm (sum of x^norm_type)^(1 / norm_type) of each window, with the padding-free windows of
/// avg_pool; windows that extend past the edge are scaled up to full size, as in PyTorch. Throws
/// ValueError for padding and unless norm_type is positive and finite.
/// @{
Tensor lp_pool1d(const Tensor& x, double norm_type, const Pool1dOptions& options);
Tensor lp_pool2d(const Tensor& x, double norm_type, const Pool2dOptions& options);
/// @}
/// Zeros of spatial size `output_size` with the elements of x at the positions given by `indices`
/// (of x's shape, from max pooling); elements with the same position are added. Throws IndexError
/// for an index out of range.
/// @{
Tensor max_unpool1d(const Tensor& x, const Tensor& indices, const Size1& output_size);
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, const Size2& output_size);
Tensor max_unpool3d(const Tensor& x, const Tensor& indices, const Size3& output_size);
/// @}

}  // namespace gradus
