// Every update rule: how an optimizer changes one element. `d` is the gradient with the decay
// terms, see rules.simd.cpp.
#pragma once

#include "rules_kernel.h"

namespace gradus::optim {

/// SGD: a step against the gradient, or along a buffer that accumulates gradients.
struct SGDRule : Step {
  // The first step stores the gradient as it is.
  double keep = t == 1 ? 0 : momentum, take = t == 1 ? 1 : 1 - dampening;

  template <class T, class Buffer>
  T operator()(T p, T d, Buffer& buffer) const {
    if constexpr (is_kept<Buffer>) {
      buffer = T(keep) * buffer + T(take) * d;
      // Step along direct d + through buffer.
      const T direct = nesterov ? T(1) : T(0), through = nesterov ? T(momentum) : T(1);
      d = direct * d + through * buffer;
    }
    return p - T(lr) * d;
  }
};

/// Adam and AdamW: p -= lr m' / (sqrt(v') + eps) with m' = m / (1 - beta1^t) and
/// v' = v / (1 - beta2^t). m and v are moving averages of d and d^2; `largest` is the largest v so
/// far (amsgrad).
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

/// Adamax: m is an average of d, u a decaying maximum of |d|.
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

/// NAdam: m and v are averages of d and d^2; the step looks ahead along m.
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

/// RAdam: m and v are averages of d and d^2; v is used once it is reliable.
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

/// Lion: m is an average of d; all steps have the same size, with a sign.
struct LionRule : Step {
  double decay = 1 - lr * weight_decay;

  template <class T>
  T operator()(T p, T d, T& m) const {
    const T direction = T(beta1) * m + T(1 - beta1) * d;
    move_average(m, beta2, d);
    return T(decay) * p - T(lr) * sign_of(direction);
  }
};

/// RMSprop: s and `mean` are averages of d^2 and d; `buffer` accumulates steps.
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

/// Adagrad: `sum` is that of all d^2.
struct AdagradRule : Step {
  double rate = lr / (1 + (t - 1) * lr_decay);

  template <class T>
  T operator()(T p, T d, T& sum) const {
    sum += d * d;
    return p - T(rate) * (d / (std::sqrt(sum) + T(eps)));
  }
};

/// Adadelta: s and a are averages of d^2 and of the squares of steps.
struct AdadeltaRule : Step {
  template <class T>
  T operator()(T p, T d, T& s, T& a) const {
    move_average_of_square(s, rho, d);
    const T q = std::sqrt(a + T(eps)) / std::sqrt(s + T(eps)) * d;
    move_average_of_square(a, rho, q);
    return p - T(lr) * q;
  }
};

/// EMA: moves an average by a share of the way to the value, which stands for the gradient.
struct AverageRule : Step {
  double share = 0;

  template <class T>
  T operator()(T average, T value) const {
    return average + T(share) * (value - average);
  }
};

/// The rules in a table; an optimizer of the library adds its own.
template <class T>
using AllRules = RuleTable<T, SGDRule, AdamRule, AdamaxRule, NAdamRule, RAdamRule, LionRule,
                           RMSpropRule, AdagradRule, AdadeltaRule, AverageRule>;

}  // namespace gradus::optim
