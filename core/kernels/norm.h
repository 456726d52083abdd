// Normalization over sets of elements.
#pragma once

#include <cstdint>

#include "isa.h"

namespace gradus::kernels {

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

  int64_t size() const { return blocks * run; }
  int64_t parameter(int64_t set, int64_t block) const {
    return (set * parameters_per_set + block * parameter_step) % parameters;
  }
};

/// Statistics are kept in double: mean [sets] and scale [sets] = 1 / sqrt(variance + eps), with the
/// biased variance, in two passes. Weights and biases [parameters] may be null: 1 and 0.
template <class T>
struct Norm {
  void (*statistics)(const NormSets& s, const T* x, double* mean, double* variance);
  /// y = weight (x - mean) scale + bias.
  void (*forward)(const NormSets& s, T* y, const T* x, const double* mean, const double* scale,
                  const T* weight, const T* bias);
  /// dx for output gradient g. Also sum_g and sum_gx [sets * blocks], the sums over each block of g
  /// and of g times the normalized value, unless `per_element`. dx may be null.
  void (*backward)(const NormSets& s, T* dx, const T* g, const T* x, const double* mean,
                   const double* scale, const T* weight, double* sum_g, double* sum_gx);
  /// The same sums over all sets for each element, [run]; only for `per_element`.
  void (*element_sums)(const NormSets& s, const T* g, const T* x, const double* mean,
                       const double* scale, double* sum_g, double* sum_gx);
};

}  // namespace gradus::kernels
