#include "adamax.h"

#include "../core/update.h"

namespace gradus::optim {

Adamax::Adamax(const std::vector<ParameterGroup>& groups, const AdamaxOptions& options)
    : Optimizer(Kind{.type = "Adamax", .states = {{"exp_avg"}, {"exp_inf"}}}, groups,
                {.lr = options.lr,
                 .weight_decay = options.weight_decay,
                 .momentum = options.betas[0],
                 .l1_decay = options.l1_decay}),
      options_(options) {
  check_groups();
}

void Adamax::check(const GroupSettings& s) const {
  Optimizer::check(s);
  require_betas(s.momentum, options_.betas[1]);
  require_not_negative("eps", options_.eps);
}

void Adamax::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  adamax_update_(entry.parameter.tensor, gradient, entry.state[0], entry.state[1],
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
