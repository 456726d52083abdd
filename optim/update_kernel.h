// Updates of optimizers: one pass over parameter, gradient and state.
#pragma once

#include <cstdint>

#include "../core/simd/isa.h"

namespace gradus::kernels {

/// What becomes of the gradient first: d = sign g + l2 p + l1 sgn(p).
struct GradientTerms {
  double sign = 1;  ///< -1 to maximize
  double l2 = 0;
  double l1 = 0;
};

/// What an update works on: arrays of n elements in a row, of which the gradient is only read.
template <class T>
struct UpdateArrays {
  int64_t n;
  T* parameter;
  const T* gradient;
  T* state[3];  ///< in the order that the table below says
};

struct SgdStep {
  GradientTerms terms;
  double lr, momentum, dampening;
  bool nesterov;
  bool first;  ///< the buffer has no value yet
};

struct AdamStep {
  GradientTerms terms;
  double beta1, beta2, eps;
  double decay;            ///< factor for the parameter: 1 - lr * decoupled weight decay
  double step_size;        ///< lr / (1 - beta1^t)
  double root_correction;  ///< sqrt(1 - beta2^t)
};

struct AdamaxStep {
  GradientTerms terms;
  double beta1, beta2, eps;
  double step_size;  ///< lr / (1 - beta1^t)
};

struct NadamStep {
  GradientTerms terms;
  double beta1, beta2, eps;
  double direct_size;      ///< of the step along the gradient itself
  double step_size;        ///< of the step along its average
  double root_correction;  ///< sqrt(1 - beta2^t)
};

struct RadamStep {
  GradientTerms terms;
  double beta1, beta2, eps;
  double step_size;
  bool adaptive;  ///< whether to divide by the root of the second moment
};

struct LionStep {
  GradientTerms terms;
  double lr, beta1, beta2;
  double decay;  ///< factor for the parameter: 1 - lr * weight decay
};

struct RmspropStep {
  GradientTerms terms;
  double lr, alpha, eps, momentum;
};

struct AdagradStep {
  GradientTerms terms;
  double lr, eps;
};

struct AdadeltaStep {
  GradientTerms terms;
  double lr, rho, eps;
};

template <class T>
struct OptimizerUpdates {
  /// State: buffer, or null without momentum.
  void (*sgd)(const SgdStep& step, const UpdateArrays<T>& arrays);
  /// State: first and second moment, largest second moment or null without amsgrad.
  void (*adam)(const AdamStep& step, const UpdateArrays<T>& arrays);
  /// State: first moment, largest gradient.
  void (*adamax)(const AdamaxStep& step, const UpdateArrays<T>& arrays);
  /// State: first and second moment.
  void (*nadam)(const NadamStep& step, const UpdateArrays<T>& arrays);
  void (*radam)(const RadamStep& step, const UpdateArrays<T>& arrays);
  /// State: average.
  void (*lion)(const LionStep& step, const UpdateArrays<T>& arrays);
  /// State: mean square, mean or null where not centered, buffer or null without momentum.
  void (*rmsprop)(const RmspropStep& step, const UpdateArrays<T>& arrays);
  /// State: sum of squares.
  void (*adagrad)(const AdagradStep& step, const UpdateArrays<T>& arrays);
  /// State: mean squares of the gradient and of the steps.
  void (*adadelta)(const AdadeltaStep& step, const UpdateArrays<T>& arrays);
  /// The parameter moves by `share` of the way to the gradient, which here is a value.
  void (*average)(double share, const UpdateArrays<T>& arrays);

  /// Sum of |x|^ord, or the largest |x| for infinite ord, in double. Pieces are added in order, so
  /// that the result does not depend on the number of threads.
  double (*power_sum)(double ord, int64_t n, const T* x);
};

}  // namespace gradus::kernels
