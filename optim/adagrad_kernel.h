// Adagrad for one element.
#pragma once

#include "rules_kernel.h"

namespace gradus::optim {

/// `sum` is that of all d^2.
struct AdagradRule : Step {
  double rate = lr / (1 + (t - 1) * lr_decay);

  template <class T>
  T operator()(T p, T d, T& sum) const {
    sum += d * d;
    return p - T(rate) * (d / (std::sqrt(sum) + T(eps)));
  }
};

}  // namespace gradus::optim
