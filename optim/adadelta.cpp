#include "adadelta.h"

#include "update.h"

namespace gradus::optim {

Adadelta::Adadelta(const std::vector<ParameterGroup>& groups, const AdadeltaOptions& options)
    : Optimizer(
          {.type = "Adadelta", .states = {{"square_avg"}, {"acc_delta"}}, .has_momentum = false},
          groups,
          {.lr = options.lr, .weight_decay = options.weight_decay, .l1_decay = options.l1_decay}),
      options_(options) {
  check_groups();
}

void Adadelta::check(const GroupSettings& s) const {
  Optimizer::check(s);
  require(options_.rho >= 0 && options_.rho <= 1, "rho", options_.rho, "in [0, 1]",
          "it is the share of the average that a step keeps; 0.9 is usual");
  require_eps(options_.eps);
}

void Adadelta::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  adadelta_update_(entry.parameter.tensor, gradient, entry.state[0], entry.state[1],
                   {.lr = s.lr,
                    .rho = options_.rho,
                    .eps = options_.eps,
                    .weight_decay = s.weight_decay,
                    .l1_decay = s.l1_decay,
                    .maximize = options_.maximize});
}

}  // namespace gradus::optim
