// Adam and AdamW for one element: p -= lr m' / (sqrt(v') + eps) with m' = m / (1 - beta1^t) and
// v' = v / (1 - beta2^t). `d` is the gradient with the decay terms, see rules.simd.cpp.
#pragma once

#include "rules_kernel.h"

namespace gradus::optim {

/// m and v are moving averages of d and d^2; `largest` is the largest v so far (amsgrad).
struct AdamRule : Step {
  double kept_share = decoupled ? 1 - lr * weight_decay : 1;
  double step_size = lr / correction(beta1);
  double root_correction = std::sqrt(correction(beta2));

  template <class T, class Largest>
  T operator()(T p, T d, T& m, T& v, Largest& largest) const {
    move_average(m, beta1, d);
    move_average_of_square(v, beta2, d);
    T second_moment = v;
    if constexpr (is_kept<Largest>) {
      if (v > largest || v != v) largest = v;  // a NaN stays
      second_moment = largest;
    }
    const T denominator = std::sqrt(second_moment) / T(root_correction) + T(eps);
    return T(kept_share) * p - T(step_size) * (m / denominator);
  }
};

}  // namespace gradus::optim
