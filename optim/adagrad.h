// Adagrad. The update of one element is in all_rules_kernel.h.
#pragma once

#include "optimizer.h"

namespace gradus::optim {

/// Options of Adagrad; settings out of range throw ValueError.
struct AdagradOptions {
  static constexpr const char* type = "Adagrad";
  double lr = 0.01;         ///< learning rate, the size of a step; at least 0
  double lr_decay = 0;      ///< the rate is divided by 1 + lr_decay (t - 1); at least 0
  double weight_decay = 0;  ///< L2: added to the gradient, times the parameter
  double l1_decay = 0;      ///< L1: added to the gradient, times the sign of the parameter
  double initial_accumulator_value = 0;  ///< initial value of the sums of squares; at least 0
  double eps = 1e-10;                    ///< added to the root; at least 0
  bool maximize = false;                 ///< ascend: use the gradient times -1

  std::vector<StateSpec> states() const { return {{"sum", initial_accumulator_value}}; }
};

/// Steps divided by the root of the sum of all squared gradients so far: sum += g^2,
/// p -= lr / (1 + (t - 1) lr_decay) g / (sqrt(sum) + eps) (Duchi, Hazan and Singer, "Adaptive
/// subgradient methods", JMLR 2011).
using Adagrad = RuleOptimizer<AdagradOptions, struct AdagradRule>;

}  // namespace gradus::optim
