// Adadelta for one element.
#pragma once

#include "rules_kernel.h"

namespace gradus::optim {

/// s and a are averages of d^2 and of the squares of steps.
struct AdadeltaRule : Step {
  template <class T>
  T operator()(T p, T d, T& s, T& a) const {
    move_average_of_square(s, rho, d);
    const T q = std::sqrt(a + T(eps)) / std::sqrt(s + T(eps)) * d;
    move_average_of_square(a, rho, q);
    return p - T(lr) * q;
  }
};

}  // namespace gradus::optim
