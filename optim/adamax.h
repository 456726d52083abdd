// Adamax.
#pragma once

#include <array>

#include "moment_optimizer.h"

namespace gradus::optim {

/// Options of Adamax; settings outside of their range throw ValueError.
struct AdamaxOptions {
  double lr = 2e-3;  ///< learning rate, the size of a step; at least 0
  /// How much of m and u stays at each step, in [0, 1).
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;        ///< added to |g|; at least 0
  double weight_decay = 0;  ///< L2: added to the gradient, times the parameter
  double l1_decay = 0;      ///< L1: added to the gradient, times the sign of the parameter
  bool maximize = false;    ///< climb: use the gradient times -1
};

/// Adam with the largest gradient in place of the mean square: m = beta1 m + (1 - beta1) g,
/// u = max(beta2 u, |g| + eps), p -= lr / (1 - beta1^t) m / u (Kingma and Ba, arXiv 1412.6980,
/// section 7.1).
class Adamax : public MomentOptimizer<AdamaxOptions> {
 public:
  explicit Adamax(const std::vector<ParameterGroup>& groups, const AdamaxOptions& options = {});
  explicit Adamax(const NamedTensors& parameters, const AdamaxOptions& options = {})
      : Adamax(std::vector<ParameterGroup>{{parameters}}, options) {}

 protected:
  void update(Entry& entry, const Tensor& gradient, const GroupSettings& settings) override;
};

}  // namespace gradus::optim
