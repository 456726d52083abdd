// What the experiments on single norms share: one input in float64 and every norm of it.
#pragma once

#include <gradus/core/ops.h>

#include <string>

#include "nets.h"

namespace gradus::lab {

/// The norms that have sets: all but none.
inline constexpr std::array set_norms = {Norm::batch, Norm::layer, Norm::instance, Norm::group};

/// x [N, C, H, W] as [sets, M]: the sets of a norm as rows, and back. Groups: 2.
struct Sets {
  Norm norm;
  Shape shape;
  int64_t groups = 2;

  /// Elements in the order of the sets.
  Tensor rows(const Tensor& x) const {
    const int64_t n = shape[0], c = shape[1], hw = shape[2] * shape[3];
    if (norm == Norm::batch) return x.transpose(0, 1).reshape({c, n * hw});
    const int64_t parts = norm == Norm::layer ? 1 : norm == Norm::group ? groups : c;
    return x.reshape({n * parts, c / parts * hw});
  }
  /// Numbers of a set, [sets, 1], for each of its elements, in the shape of x.
  Tensor spread(const Tensor& per_set) const {
    const Tensor all = rows(zeros(shape, float64)) + per_set;
    if (norm != Norm::batch) return all.reshape(shape);
    return all.reshape({shape[1], shape[0], shape[2], shape[3]}).transpose(0, 1).contiguous();
  }
};

/// The parts of a norm of x, by its definition: rows are sets.
struct Parts {
  Tensor x_hat;        ///< [sets, M]
  Tensor r, variance;  ///< [sets, 1]
};
inline Parts parts_of(const Tensor& rows, double eps) {
  const Tensor centred = rows - mean(rows, {1}, true);
  const Tensor variance = mean(square(centred), {1}, true), r = rsqrt(variance + eps);
  return {centred * r, r, variance};
}

/// |a - b| at most, over the largest |b|.
inline double deviation(const Tensor& a, const Tensor& b) {
  return max(abs(a - b)).item() / std::max(max(abs(b)).item(), 1e-300);
}

}  // namespace gradus::lab
