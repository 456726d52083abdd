// Normalization over sets of elements.
#pragma once

#include <cstdint>

#include "../simd/isa.h"

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
  int64_t parameters, parameters_per_set = 0, parameter_step = 0;
  bool per_element = false;
  NormStatistics statistics = NormStatistics::centred;

  int64_t size() const { return blocks * run; }
  int64_t parameter(int64_t set, int64_t block) const {
    return (set * parameters_per_set + block * parameter_step) % parameters;
  }

  /// Sums for the gradients of weights and biases are returned as a matrix [sum_rows, parameters]
  /// of partial sums, to be added up by column: few enough rows to add, and enough to compute in
  /// parallel.
  int64_t sum_rows() const {
    if (per_element) return (sets - 1) / sets_per_sum() + 1;
    return parameter_step == 0 ? 1 : sets * blocks / parameters;
  }
  /// With `per_element`: the number of sets in a row of sums.
  int64_t sets_per_sum() const {
    constexpr int64_t rows = 64, least = 8;
    const int64_t n = (sets - 1) / rows + 1;
    return n > least ? n : least;
  }
};

/// Mean and variance [sets] are kept in double. The normalized value is x^ = (x - mean) r with r =
/// 1 / sqrt(variance + eps). Weights and biases [parameters] may be null: 1 and 0. There must be at
/// least one set, and none may be empty.
template <class T>
struct Norm {
  /// y = weight x^ + bias. Writes mean and variance unless they are given. Both are exact relative
  /// to the spread of a set, wherever its mean is.
  void (*forward)(const NormSets& s, double eps, T* y, const T* x, double* mean, double* variance,
                  const T* weight, const T* bias);
  /// dx for output gradient g; sum_g and sum_gx, sums of g and of g x^ as described above. dx may
  /// be null, and so may both sums.
  void (*backward)(const NormSets& s, double eps, T* dx, const T* g, const T* x, const double* mean,
                   const double* variance, const T* weight, T* sum_g, T* sum_gx);
};
template <class T>
inline constexpr bool has_plain<Norm<T>> = true;  // norm_plain.cpp

}  // namespace gradus::kernels
