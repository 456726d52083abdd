#include "radam.h"

#include "../core/update.h"

namespace gradus::optim {

RAdam::RAdam(const std::vector<ParameterGroup>& groups, const RAdamOptions& options)
    : Optimizer(Kind{.type = "RAdam", .states = {{"exp_avg"}, {"exp_avg_sq"}}}, groups,
                {.lr = options.lr,
                 .weight_decay = options.weight_decay,
                 .momentum = options.betas[0],
                 .l1_decay = options.l1_decay}),
      options_(options) {
  check_groups();
}

void RAdam::check(const GroupSettings& s) const {
  Optimizer::check(s);
  require_betas(s.momentum, options_.betas[1]);
  require_not_negative("eps", options_.eps);
}

void RAdam::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  radam_update_(entry.parameter.tensor, gradient, entry.state[0], entry.state[1],
                {.lr = s.lr,
                 .beta1 = s.momentum,
                 .beta2 = options_.betas[1],
                 .eps = options_.eps,
                 .weight_decay = s.weight_decay,
                 .l1_decay = s.l1_decay,
                 .maximize = options_.maximize,
                 .step = entry.steps});
}

}  // namespace gradus::optim
