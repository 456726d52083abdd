// NAdam. The update of one element is in all_rules_kernel.h.
#pragma once

#include <array>

#include "optimizer.h"

namespace gradus::optim {

/// Options of NAdam; settings out of range throw ValueError.
struct NAdamOptions {
  static constexpr const char* type = "NAdam";
  double lr = 2e-3;  ///< learning rate, the size of a step; at least 0
  /// Decay rates of m and v, in [0, 1).
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;             ///< added to the root; at least 0
  double weight_decay = 0;       ///< L2: added to the gradient, times the parameter
  double l1_decay = 0;           ///< L1: added to the gradient, times the sign of the parameter
  double momentum_decay = 4e-3;  ///< how fast the momentum grows to its full size
  bool maximize = false;         ///< ascend: use the gradient times -1

  std::vector<StateSpec> states() const {
    return {{"exp_avg"}, {"exp_avg_sq"}, {.name = "mu_product", .initial = 1, .scalar = true}};
  }
};

/// Adam that looks ahead as Nesterov momentum does: with m, v of Adam and
/// mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2),
///
///     p -= lr ((1 - mu_t) g / (1 - mu_1 ... mu_t) + mu_(t+1) m / (1 - mu_1 ... mu_(t+1))) /
///          (sqrt(v / (1 - beta2^t)) + eps)
///
/// (Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016).
using NAdam = RuleOptimizer<NAdamOptions, struct NAdamRule>;

}  // namespace gradus::optim
