// Normalization. Part of ops.h, which includes this.
//
// All but rms_norm and local_response_norm compute
//
//     y = weight (x - mean) / sqrt(variance + eps) + bias
//
// with mean and *biased* variance of a set of elements. weight and bias may be undefined: 1 and 0.
// Statistics keep their precision however far the mean is from 0. All throw DTypeError for tensors
// that are not floating-point or of different types, and ShapeError for parameters and statistics
// that do not match the input; batch_norm_train, instance_norm and group_norm throw ValueError for
// sets of a single value. Formulas, derivatives and pitfalls: docs/normalization.md.
#pragma once

#include <cstdint>

#include "../tensor.h"

namespace gradus {

namespace distributed {
class Shards;
}

/// Two ways to compute a norm. `fused` runs its own kernels and is recorded as one operation;
/// `composed` is the same written in primitives, to read first and to check against; norm_plain.cpp
/// has the definition and its gradient as loops. Both can be differentiated any number of times and
/// give the same values and gradients up to rounding.
enum class NormForm { fused, composed };

/// The result of batch_norm_train and instance_norm, whose statistics the caller may keep.
struct NormResult {
  Tensor y;         ///< of the input's shape
  Tensor mean;      ///< of each set; no gradient
  Tensor variance;  ///< of each set, biased; no gradient
};
/// Over the batch and all positions, for each channel: x [N, C, ...], weight and bias [C],
/// statistics [C] (Ioffe and Szegedy, arXiv 1502.03167). With `shards`, x is one shard of a batch,
/// and the statistics, like their part in the gradient, are those of all of them together.
NormResult batch_norm_train(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {},
                            double eps = 1e-5, NormForm form = NormForm::fused,
                            distributed::Shards* shards = nullptr);
/// Batch norm with given statistics [C]: an affine map for each channel. Writing to the statistics
/// later does not affect the gradient of this call.
Tensor batch_norm_eval(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                       const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5,
                       NormForm form = NormForm::fused);
/// Over all positions, for each sample and channel: x [N, C, ...], weight and bias [C], statistics
/// [N, C] (Ulyanov et al., arXiv 1607.08022).
NormResult instance_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {},
                         double eps = 1e-5, NormForm form = NormForm::fused);
/// Over the trailing dimensions, whose sizes must be `normalized_shape`; weight and bias have that
/// shape (Ba, Kiros and Hinton, arXiv 1607.06450).
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5, NormForm form = NormForm::fused);
/// Over all positions and the channels of a group, for each sample: x [N, C, ...], weight and bias
/// [C]; C must be a multiple of num_groups (Wu and He, arXiv 1803.08494).
Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5, NormForm form = NormForm::fused);
/// weight x / sqrt(mean(x^2) + eps) over the last dimensions (Zhang and Sennrich, arXiv
/// 1910.07467).
Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                double eps = 1e-5, NormForm form = NormForm::fused);
/// x / (k + alpha mean(x^2))^beta, the mean over `size` adjacent channels of x [N, C, ...], with
/// zeros beyond the ends (Krizhevsky et al., 2012; alpha is divided by size, as in PyTorch).
Tensor local_response_norm(const Tensor& x, int64_t size, double alpha = 1e-4, double beta = 0.75,
                           double k = 1);

}  // namespace gradus
