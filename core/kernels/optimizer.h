// Updates of optimizers: one pass over parameter, gradient and state, all of n elements in a row.
#pragma once

#include <cstdint>

#include "isa.h"

namespace gradus::kernels {

struct SgdStep {
  double lr, momentum, dampening, weight_decay;
  double sign;  ///< -1 to maximize, else 1
  bool nesterov;
  bool first;  ///< the buffer has no value yet
};

struct AdamStep {
  double beta1, beta2, eps;
  double l2;               ///< weight decay that is added to the gradient
  double decay;            ///< factor for the parameter: 1 - lr * decoupled weight decay
  double sign;             ///< -1 to maximize, else 1
  double step_size;        ///< lr / (1 - beta1^t)
  double root_correction;  ///< sqrt(1 - beta2^t)
};

template <class T>
struct OptimizerUpdates {
  /// `buffer` is null without momentum.
  void (*sgd)(const SgdStep& step, int64_t n, T* parameter, const T* gradient, T* buffer);
  /// `max_second` is null without amsgrad.
  void (*adam)(const AdamStep& step, int64_t n, T* parameter, const T* gradient, T* first,
               T* second, T* max_second);
};

}  // namespace gradus::kernels
