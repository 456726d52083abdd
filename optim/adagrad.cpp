#include "adagrad.h"

#include "update.h"

namespace gradus::optim {

Adagrad::Adagrad(const std::vector<ParameterGroup>& groups, const AdagradOptions& options)
    : Optimizer(
          {.type = "Adagrad",
           .states = {{"sum", options.initial_accumulator_value}},
           .has_momentum = false},
          groups,
          {.lr = options.lr, .weight_decay = options.weight_decay, .l1_decay = options.l1_decay}),
      options_(options) {
  check_groups();
}

void Adagrad::check(const GroupSettings& s) const {
  Optimizer::check(s);
  require_not_negative("lr_decay", options_.lr_decay);
  require_not_negative("initial_accumulator_value", options_.initial_accumulator_value);
  require_eps(options_.eps);
}

void Adagrad::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  adagrad_update_(entry.parameter.tensor, gradient, entry.state[0],
                  {.lr = s.lr,
                   .lr_decay = options_.lr_decay,
                   .eps = options_.eps,
                   .weight_decay = s.weight_decay,
                   .l1_decay = s.l1_decay,
                   .maximize = options_.maximize,
                   .step = entry.steps});
}

}  // namespace gradus::optim
