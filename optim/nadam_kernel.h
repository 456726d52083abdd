// NAdam for one element.
#pragma once

#include "rules_kernel.h"

namespace gradus::optim {

/// m and v are averages of d and d^2; the step looks ahead along m.
struct NAdamRule : Step {
  double mu = mu_at(t), next_mu = mu_at(t + 1);
  double product = mu_product * mu;                    // the new state
  double direct_size = lr * (1 - mu) / (1 - product);  // of the step along the gradient itself
  double step_size = lr * next_mu / (1 - product * next_mu);  // and along its average
  double root_correction = std::sqrt(correction(beta2));

  double mu_at(double step) const {
    return beta1 * (1 - 0.5 * std::pow(0.96, step * momentum_decay));
  }

  template <class T>
  T operator()(T p, T d, T& m, T& v) const {
    move_average(m, beta1, d);
    move_average_of_square(v, beta2, d);
    const T root = std::sqrt(v) / T(root_correction) + T(eps);
    return p - (T(direct_size) * d + T(step_size) * m) / root;
  }
};

}  // namespace gradus::optim
