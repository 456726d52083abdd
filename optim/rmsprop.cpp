#include "rmsprop.h"

#include "update.h"

namespace gradus::optim {

RMSprop::RMSprop(const std::vector<ParameterGroup>& groups, const RMSpropOptions& options)
    : Optimizer(kind(any_momentum(groups, options.momentum), options.centered), groups,
                {.lr = options.lr,
                 .weight_decay = options.weight_decay,
                 .momentum = options.momentum,
                 .l1_decay = options.l1_decay}),
      options_(options) {
  check_groups();
}

Optimizer::Kind RMSprop::kind(bool momentum, bool centered) {
  Kind kind{.type = "RMSprop", .states = {{"square_avg"}}, .has_momentum = momentum};
  if (centered) kind.states.push_back({"grad_avg"});
  if (momentum) kind.states.push_back({"momentum_buffer"});
  return kind;
}

void RMSprop::check(const GroupSettings& s) const {
  Optimizer::check(s);
  require(options_.alpha >= 0 && options_.alpha <= 1, "alpha", options_.alpha, "in [0, 1]",
          "it is the share of the average that a step keeps; 0.99 is usual");
  require_eps(options_.eps);
  require_not_negative("momentum", s.momentum);
}

void RMSprop::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  Tensor none;
  // In the order of kind().
  Tensor& mean = options_.centered ? entry.state[1] : none;
  Tensor& buffer = s.momentum != 0 ? entry.state.back() : none;
  rmsprop_update_(entry.parameter.tensor, gradient, entry.state[0], mean, buffer,
                  {.lr = s.lr,
                   .alpha = options_.alpha,
                   .eps = options_.eps,
                   .momentum = s.momentum,
                   .weight_decay = s.weight_decay,
                   .l1_decay = s.l1_decay,
                   .maximize = options_.maximize});
}

}  // namespace gradus::optim
