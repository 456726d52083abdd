// RAdam for one element.
#pragma once

#include "rules_kernel.h"

namespace gradus::optim {

/// m and v are averages of d and d^2; v is used once it is reliable.
struct RAdamRule : Step {
  // Length of the average v, finally and now: while it is short, the variance of v is too large.
  double longest = 2 / (1 - beta2) - 1;
  double length = longest - 2 * t * (1 - correction(beta2)) / correction(beta2);
  bool adaptive = length > 5;
  double rectification = adaptive ? std::sqrt(correction(beta2) * (length - 4) * (length - 2) *
                                              longest / ((longest - 4) * (longest - 2) * length))
                                  : 1;
  double step_size = lr / correction(beta1) * rectification;

  template <class T>
  T operator()(T p, T d, T& m, T& v) const {
    move_average(m, beta1, d);
    move_average_of_square(v, beta2, d);
    const T root = adaptive ? std::sqrt(v) + T(eps) : T(1);
    return p - T(step_size) * (m / root);
  }
};

}  // namespace gradus::optim
