// RAdam. The update of one element is in all_rules_kernel.h.
#pragma once

#include <array>

#include "optimizer.h"

namespace gradus::optim {

/// Options of RAdam; settings out of range throw ValueError.
struct RAdamOptions {
  static constexpr const char* type = "RAdam";
  double lr = 1e-3;  ///< learning rate, the size of a step; at least 0
  /// Decay rates of m and v, in [0, 1).
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;        ///< added to the root; at least 0
  double weight_decay = 0;  ///< L2: added to the gradient, times the parameter
  double l1_decay = 0;      ///< L1: added to the gradient, times the sign of the parameter
  bool maximize = false;    ///< ascend: use the gradient times -1

  std::vector<StateSpec> states() const { return {{"exp_avg"}, {"exp_avg_sq"}}; }
};

/// Adam corrected for the unreliable second moment of its first steps: with m, v of Adam,
/// m' = m / (1 - beta1^t), R = 2 / (1 - beta2) - 1 and r = R - 2 t beta2^t / (1 - beta2^t) it does
/// p -= lr m' while r <= 5, and then
///
///     p -= lr m' sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r)) sqrt(1 - beta2^t) / (sqrt(v) + eps)
///
/// which makes a warm-up of the learning rate unnecessary (Liu et al., arXiv 1908.03265).
using RAdam = RuleOptimizer<RAdamOptions, struct RAdamRule>;

}  // namespace gradus::optim
