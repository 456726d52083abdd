// Adadelta. The update of one element is in all_rules_kernel.h.
#pragma once

#include "optimizer.h"

namespace gradus::optim {

/// Options of Adadelta; settings out of range throw ValueError.
struct AdadeltaOptions {
  static constexpr const char* type = "Adadelta";
  double lr = 1;            ///< factor of the step, whose size is adaptive; at least 0
  double rho = 0.9;         ///< decay rate of the mean squares
  double eps = 1e-6;        ///< under both roots; at least 0
  double weight_decay = 0;  ///< L2: added to the gradient, times the parameter
  double l1_decay = 0;      ///< L1: added to the gradient, times the sign of the parameter
  bool maximize = false;    ///< ascend: use the gradient times -1

  std::vector<StateSpec> states() const { return {{"square_avg"}, {"acc_delta"}}; }
};

/// Steps in units of earlier steps: s = rho s + (1 - rho) g^2, q = sqrt(a + eps) / sqrt(s + eps) g,
/// a = rho a + (1 - rho) q^2, p -= lr q (Zeiler, arXiv 1212.5701).
using Adadelta = RuleOptimizer<AdadeltaOptions, struct AdadeltaRule>;

}  // namespace gradus::optim
