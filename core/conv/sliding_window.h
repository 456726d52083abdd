// What windows that slide over 1, 2 or 3 spatial dimensions have in common: the checks of
// convolutions and pools, and the sizes of their outputs. Defined for N = 1, 2, 3.
#pragma once

#include "../op.h"

namespace gradus::ops {

/// Dimensions of a batch of samples with N spatial dimensions: N, C and those.
template <size_t N>
constexpr int batched_dims = static_cast<int>(N) + 2;

/// The first `lead` sizes of `shape`, then `spatial`.
template <size_t N>
Shape with_spatial(const Shape& shape, int lead, const Sizes<N>& spatial) {
  Shape result(std::span<const int64_t>(shape).first(static_cast<size_t>(lead)));
  for (int64_t size : spatial) result.push_back(size);
  return result;
}

/// Output sizes of the convolution of x [N,C,...] with `weight`. Throws in the name of `op` where
/// they do not fit or an option makes no sense.
template <size_t N>
Sizes<N> conv_output_size(const char* op, const Shape& x, const Shape& weight,
                          const ConvOptions<N>& options);

/// The same for the transposed convolution.
template <size_t N>
Sizes<N> conv_transpose_output_size(const char* op, const Shape& x, const Shape& weight,
                                    const ConvTransposeOptions<N>& options);

/// Types of the arguments of a convolution, and the shape of a bias for `channels` outputs.
void check_conv_arguments(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias,
                          int64_t channels);

/// Throws ShapeError where x, which has one dimension less than `weight` and so is read as a single
/// sample [C,...], does not have the channels that dimension `channel_dim` of the weight asks for.
void check_sample_channels(const char* op, const Tensor& x, const Tensor& weight, int channel_dim,
                           int64_t groups);

/// Throws unless x is a floating tensor [N,C,...] or [C,...] with something in each channel.
template <size_t N>
void check_pool_input(const char* op, const Tensor& x);

/// Throws where an option is given that averages alone have.
template <size_t N>
void check_no_average(const char* op, const PoolOptions<N>& options) {
  const auto refuse = [&](const char* option) {
    throw ValueError(op, str(option, " is for averages"),
                     str("leave it out, or use avg_pool", N, "d"));
  };
  if (options.divisor_override) refuse("divisor_override");
  if (!options.count_include_pad) refuse("count_include_pad");
}

/// Output sizes of a pool over x, the shape of what passed check_pool_input.
template <size_t N>
Sizes<N> pool_output_size(const char* op, const Shape& x, const PoolOptions<N>& options);

}  // namespace gradus::ops
