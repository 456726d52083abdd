// Adamax for one element.
#pragma once

#include "rules_kernel.h"

namespace gradus::optim {

/// m is an average of d, u a decaying maximum of |d|.
struct AdamaxRule : Step {
  double step_size = lr / correction(beta1);

  template <class T>
  T operator()(T p, T d, T& m, T& u) const {
    move_average(m, beta1, d);
    const T faded = T(beta2) * u, size = std::abs(d) + T(eps);
    u = size > faded || size != size ? size : faded;
    return p - T(step_size) * (m / u);
  }
};

}  // namespace gradus::optim
