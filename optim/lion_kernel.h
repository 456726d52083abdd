// Lion for one element.
#pragma once

#include "rules_kernel.h"

namespace gradus::optim {

/// m is an average of d; all steps have the same size, with a sign.
struct LionRule : Step {
  double decay = 1 - lr * weight_decay;

  template <class T>
  T operator()(T p, T d, T& m) const {
    const T direction = T(beta1) * m + T(1 - beta1) * d;
    move_average(m, beta2, d);
    return T(decay) * p - T(lr) * sign_of(direction);
  }
};

}  // namespace gradus::optim
