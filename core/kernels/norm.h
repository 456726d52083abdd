// Normalization over sets of elements.
#pragma once

#include <cstdint>

#include "isa.h"

namespace gradus::kernels {

/// Where mean and variance of a set come from.
enum class NormStatistics {
  centred,  ///< mean and biased variance of the set
  raw,      ///< 0 and the mean of squares
  given,    ///< constants
};

/// The sets that are normalized. Set k starts at element k * set_stride and has `blocks` runs of
/// `run` elements next to each other, block_stride apart; M = blocks * run.
///
/// Block b of set k is scaled by parameter number (k * parameters_per_set + b * parameter_step) %
/// parameters. With `per_element` there is one block, and its element i is scaled by parameter i.
struct NormSets {
  int64_t sets, set_stride;
  int64_t blocks, block_stride, run;
  int64_t parameters, parameters_per_set, parameter_step;
  bool per_element;
  NormStatistics statistics = NormStatistics::centred;

  int64_t size() const { return blocks * run; }
  int64_t parameter(int64_t set, int64_t block) const {
    return (set * parameters_per_set + block * parameter_step) % parameters;
  }
};

/// Mean and variance [sets] are kept in double. The normalized value is x^ = (x - mean) r with r =
/// 1 / sqrt(variance + eps). Weights and biases [parameters] may be null: 1 and 0.
template <class T>
struct Norm {
  /// y = weight x^ + bias. Writes mean and variance, in two passes, unless they are given.
  void (*forward)(const NormSets& s, double eps, T* y, const T* x, double* mean, double* variance,
                  const T* weight, const T* bias);
  /// dx for output gradient g. Also sum_g and sum_gx [sets * blocks], the sums over each block of g
  /// and of g x^, unless `per_element`. dx may be null, and so may the sums of a norm with given
  /// statistics.
  void (*backward)(const NormSets& s, double eps, T* dx, const T* g, const T* x, const double* mean,
                   const double* variance, const T* weight, double* sum_g, double* sum_gx);
  /// The same sums over all sets for each element, [run]; only for `per_element`.
  void (*element_sums)(const NormSets& s, double eps, const T* g, const T* x, const double* mean,
                       const double* variance, double* sum_g, double* sum_gx);
};

}  // namespace gradus::kernels
