// Stochastic gradient descent. The update of one element is in all_rules_kernel.h.
#pragma once

#include "optimizer.h"

namespace gradus::optim {

/// Options of SGD; settings out of range throw ValueError.
struct SGDOptions {
  static constexpr const char* type = "SGD";
  double lr = 0.01;         ///< learning rate, the size of a step; at least 0
  double momentum = 0;      ///< decay rate of the buffer; 0 for no buffer; at least 0
  double dampening = 0;     ///< share of the gradient that does not enter the buffer
  double weight_decay = 0;  ///< L2: added to the gradient, times the parameter
  double l1_decay = 0;      ///< L1: added to the gradient, times the sign of the parameter
  bool nesterov = false;    ///< step along the next value of the buffer
  bool maximize = false;    ///< ascend: use the gradient times -1

  std::vector<StateSpec> states() const { return {{.name = "momentum_buffer", .momentum = true}}; }
};

/// Gradient descent with momentum: buffer = momentum buffer + (1 - dampening) g (g itself on the
/// first step), p -= lr buffer; with nesterov p -= lr (g + momentum buffer). The buffer holds
/// gradients, not scaled steps, so that a change of lr takes effect immediately (Sutskever et al.,
/// "On the importance of initialization and momentum in deep learning", ICML 2013). Throws
/// ValueError for nesterov without momentum or with dampening.
using SGD = RuleOptimizer<SGDOptions, struct SGDRule>;

}  // namespace gradus::optim
