// RMSprop. The update of one element is in all_rules_kernel.h.
#pragma once

#include "optimizer.h"

namespace gradus::optim {

/// Options of RMSprop; settings out of range throw ValueError.
struct RMSpropOptions {
  static constexpr const char* type = "RMSprop";
  double lr = 0.01;         ///< learning rate, the size of a step; at least 0
  double alpha = 0.99;      ///< decay rate of the mean square
  double eps = 1e-8;        ///< added to the root; at least 0
  double weight_decay = 0;  ///< L2: added to the gradient, times the parameter
  double l1_decay = 0;      ///< L1: added to the gradient, times the sign of the parameter
  double momentum = 0;      ///< decay rate of the buffer; 0 for no buffer
  bool centered = false;    ///< divide by the standard deviation
  bool maximize = false;    ///< ascend: use the gradient times -1

  std::vector<StateSpec> states() const {
    return {{"square_avg"},
            {.name = "grad_avg", .kept = centered},
            {.name = "momentum_buffer", .momentum = true}};
  }
};

/// Steps divided by the root of a moving average of squared gradients: s = alpha s + (1 - alpha)
/// g^2, p -= lr g / (sqrt(s) + eps) (Tieleman and Hinton, "Neural networks for machine learning",
/// lecture 6.5, 2012). With `centered`, the mean of the gradient is kept too and its square
/// subtracted from s, which makes it a variance (Graves, arXiv 1308.0850). With momentum the
/// quotient goes into a buffer, b = momentum b + g / (...), and p -= lr b.
using RMSprop = RuleOptimizer<RMSpropOptions, struct RMSpropRule>;

}  // namespace gradus::optim
