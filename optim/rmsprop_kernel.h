// RMSprop for one element.
#pragma once

#include "rules_kernel.h"

namespace gradus::optim {

/// s and `mean` are averages of d^2 and d; `buffer` accumulates steps.
struct RMSpropRule : Step {
  /// d over the root of its mean square, or over its standard deviation.
  template <class T, class Mean>
  T quotient(T d, T& s, Mean& mean) const {
    move_average_of_square(s, alpha, d);
    if constexpr (is_kept<Mean>) {
      move_average(mean, alpha, d);
      const T variance = s - mean * mean;  // rounding may take it below 0
      return d / (std::sqrt(variance < 0 ? T(0) : variance) + T(eps));
    } else {
      return d / (std::sqrt(s) + T(eps));
    }
  }

  template <class T, class Mean, class Buffer>
  T operator()(T p, T d, T& s, Mean& mean, Buffer& buffer) const {
    if constexpr (is_kept<Buffer>) {
      buffer = T(momentum) * buffer + quotient(d, s, mean);
      return p - T(lr) * buffer;
    } else {
      return p - T(lr) * quotient(d, s, mean);
    }
  }
};

}  // namespace gradus::optim
