#include "adam.h"

#include "../core/update.h"

namespace gradus::optim {

Adam::Adam(const char* type, const std::vector<ParameterGroup>& groups, const AdamOptions& options,
           bool decoupled)
    : Optimizer(kind(type, options.amsgrad, decoupled), groups,
                {.lr = options.lr,
                 .weight_decay = options.weight_decay,
                 .momentum = options.betas[0],
                 .l1_decay = options.l1_decay}),
      options_(options),
      decoupled_(decoupled) {
  check_groups();
}

Optimizer::Kind Adam::kind(const char* type, bool amsgrad, bool decoupled) {
  Kind kind{.type = type, .states = {{"exp_avg"}, {"exp_avg_sq"}}, .has_l1_decay = !decoupled};
  if (amsgrad) kind.states.push_back({"max_exp_avg_sq"});
  return kind;
}

void Adam::check(const GroupSettings& s) const {
  Optimizer::check(s);
  require_betas(s.momentum, options_.betas[1]);
  require_not_negative("eps", options_.eps);
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
                .l1_decay = s.l1_decay,
                .decoupled = decoupled_,
                .maximize = options_.maximize,
                .step = entry.steps});
}

}  // namespace gradus::optim
