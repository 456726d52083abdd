#include "lion.h"

#include "update.h"

namespace gradus::optim {

Lion::Lion(const std::vector<ParameterGroup>& groups, const LionOptions& options)
    : Optimizer(
          Kind{.type = "Lion", .states = {{"exp_avg"}}, .has_l1_decay = false}, groups,
          {.lr = options.lr, .weight_decay = options.weight_decay, .momentum = options.betas[0]}),
      options_(options) {
  check_groups();
}

void Lion::check(const GroupSettings& s) const {
  Optimizer::check(s);
  require_betas(s.momentum, options_.betas[1]);
}

void Lion::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  lion_update_(entry.parameter.tensor, gradient, entry.state[0],
               {.lr = s.lr,
                .beta1 = s.momentum,
                .beta2 = options_.betas[1],
                .weight_decay = s.weight_decay,
                .maximize = options_.maximize});
}

}  // namespace gradus::optim
