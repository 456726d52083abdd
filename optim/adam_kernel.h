// Adam and AdamW for one element.
#pragma once

#include "rules_kernel.h"

namespace gradus::optim {

/// m and v are averages of d and d^2; `largest` is the largest v so far (amsgrad).
struct AdamRule : Step {
  double decay = decoupled ? 1 - lr * weight_decay : 1;
  double step_size = lr / correction(beta1);
  double root_correction = std::sqrt(correction(beta2));

  template <class T, class Largest>
  T operator()(T p, T d, T& m, T& v, Largest& largest) const {
    move_average(m, beta1, d);
    move_average_of_square(v, beta2, d);
    T second = v;
    if constexpr (is_kept<Largest>) second = largest = v > largest || v != v ? v : largest;
    const T root = std::sqrt(second) / T(root_correction) + T(eps);
    return T(decay) * p - T(step_size) * (m / root);
  }
};

}  // namespace gradus::optim
