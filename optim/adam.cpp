#include "adam.h"

#include <cmath>

#include "../core/update.h"

namespace gradus::optim {

namespace {

std::vector<std::string> state_names(bool amsgrad) {
  if (amsgrad) return {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
  return {"exp_avg", "exp_avg_sq"};
}

}  // namespace

Adam::Adam(const char* type, const std::vector<ParameterGroup>& groups, const AdamOptions& options,
           bool decoupled)
    : Optimizer(type, groups, {options.lr, options.weight_decay, options.betas[0]},
                state_names(options.amsgrad)),
      options_(options),
      decoupled_(decoupled) {
  check_groups();
}

void Adam::check(const GroupSettings& s) const {
  Optimizer::check(s);
  const double beta2 = options_.betas[1], eps = options_.eps;
  require(s.momentum >= 0 && s.momentum < 1, "betas[0]", s.momentum, "in [0, 1)");
  require(beta2 >= 0 && beta2 < 1, "betas[1]", beta2, "in [0, 1)");
  require(eps >= 0 && std::isfinite(eps), "eps", eps, "a number of at least 0");
}

void Adam::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  Tensor none;
  adam_update_(entry.parameter.tensor, gradient, entry.state[0], entry.state[1],
               options_.amsgrad ? entry.state[2] : none,
               {.lr = s.lr,
                .beta1 = s.momentum,
                .beta2 = options_.betas[1],
                .eps = options_.eps,
                .weight_decay = s.weight_decay,
                .decoupled = decoupled_,
                .maximize = options_.maximize,
                .step = entry.steps});
}

}  // namespace gradus::optim
