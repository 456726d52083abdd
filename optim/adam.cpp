#include "adam.h"

#include "update.h"

namespace gradus::optim {

Adam::Adam(const char* type, const std::vector<ParameterGroup>& groups, const AdamOptions& options,
           bool decoupled)
    : MomentOptimizer(kind(type, options.amsgrad, decoupled), groups, options),
      decoupled_(decoupled) {
  check_groups();
}

Optimizer::Kind Adam::kind(const char* type, bool amsgrad, bool decoupled) {
  Kind kind{.type = type, .states = {{"exp_avg"}, {"exp_avg_sq"}}, .has_l1_decay = !decoupled};
  if (amsgrad) kind.states.push_back({"max_exp_avg_sq"});
  return kind;
}

void Adam::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  auto settings = update_of<AdamUpdate>(entry, s);
  settings.decoupled = decoupled_;
  Tensor none;
  adam_update_(entry.parameter.tensor, gradient, entry.state[0], entry.state[1],
               options_.amsgrad ? entry.state[2] : none, settings);
}

}  // namespace gradus::optim
