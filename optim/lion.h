// Lion. The update of one element is in all_rules_kernel.h.
#pragma once

#include <array>

#include "optimizer.h"

namespace gradus::optim {

/// Options of Lion; settings out of range throw ValueError.
struct LionOptions {
  static constexpr const char* type = "Lion";
  double lr = 1e-4;                           ///< about a tenth of a good rate for Adam
  std::array<double, 2> betas = {0.9, 0.99};  ///< of the direction, and of m; in [0, 1)
  double weight_decay = 0;  ///< decoupled: p *= 1 - lr weight_decay before the step
  bool maximize = false;    ///< ascend: use the gradient times -1

  std::vector<StateSpec> states() const { return {{"exp_avg"}}; }
};

/// Steps of equal size, in the direction of signs: p = (1 - lr weight_decay) p -
/// lr sign(beta1 m + (1 - beta1) g), then m = beta2 m + (1 - beta2) g. It keeps half of Adam's
/// state (Chen et al., "Symbolic discovery of optimization algorithms", arXiv 2302.06675).
using Lion = RuleOptimizer<LionOptions, struct LionRule>;

}  // namespace gradus::optim
