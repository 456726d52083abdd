#include "nadam.h"

#include "../core/update.h"

namespace gradus::optim {

NAdam::NAdam(const std::vector<ParameterGroup>& groups, const NAdamOptions& options)
    : Optimizer({.type = "NAdam",
                 .states = {{"exp_avg"},
                            {"exp_avg_sq"},
                            {.name = "mu_product", .initial = 1, .scalar = true}}},
                groups,
                {.lr = options.lr,
                 .weight_decay = options.weight_decay,
                 .momentum = options.betas[0],
                 .l1_decay = options.l1_decay}),
      options_(options) {
  check_groups();
}

void NAdam::check(const GroupSettings& s) const {
  Optimizer::check(s);
  require_betas(s.momentum, options_.betas[1]);
  require_not_negative("eps", options_.eps);
  require_not_negative("momentum_decay", options_.momentum_decay);
}

void NAdam::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  double mu_product = entry.state[2].item();
  nadam_update_(entry.parameter.tensor, gradient, entry.state[0], entry.state[1], mu_product,
                {.lr = s.lr,
                 .beta1 = s.momentum,
                 .beta2 = options_.betas[1],
                 .eps = options_.eps,
                 .weight_decay = s.weight_decay,
                 .l1_decay = s.l1_decay,
                 .momentum_decay = options_.momentum_decay,
                 .maximize = options_.maximize,
                 .step = entry.steps});
  entry.state[2].fill_(mu_product);
}

}  // namespace gradus::optim
