#include "sgd.h"

#include <cmath>

#include "../core/base/error.h"
#include "update.h"

namespace gradus::optim {

SGD::SGD(const std::vector<ParameterGroup>& groups, const SGDOptions& options)
    : Optimizer(kind(any_momentum(groups, options.momentum)), groups,
                {.lr = options.lr,
                 .weight_decay = options.weight_decay,
                 .momentum = options.momentum,
                 .l1_decay = options.l1_decay}),
      options_(options) {
  check_groups();
}

Optimizer::Kind SGD::kind(bool momentum) {
  if (momentum) return {.type = "SGD", .states = {{"momentum_buffer"}}};
  return {.type = "SGD", .has_momentum = false};
}

void SGD::check(const GroupSettings& s) const {
  Optimizer::check(s);
  require_not_negative("momentum", s.momentum);
  require(std::isfinite(options_.dampening), "dampening", options_.dampening, "a number",
          "0 is none");
  if (options_.nesterov && (s.momentum == 0 || options_.dampening != 0)) {
    throw ValueError(type(),
                     str("nesterov needs momentum and no dampening, got momentum ", s.momentum,
                         ", dampening ", options_.dampening),
                     "{.momentum = 0.9, .nesterov = true} is usual");
  }
}

void SGD::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  Tensor none;
  sgd_update_(entry.parameter.tensor, gradient, s.momentum != 0 ? entry.state[0] : none,
              {.lr = s.lr,
               .momentum = s.momentum,
               .dampening = options_.dampening,
               .weight_decay = s.weight_decay,
               .l1_decay = s.l1_decay,
               .nesterov = options_.nesterov,
               .maximize = options_.maximize,
               .first = entry.steps == 1});
}

}  // namespace gradus::optim
