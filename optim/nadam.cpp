#include "nadam.h"

#include "update.h"

namespace gradus::optim {

NAdam::NAdam(const std::vector<ParameterGroup>& groups, const NAdamOptions& options)
    : MomentOptimizer({.type = "NAdam",
                       .states = {{"exp_avg"},
                                  {"exp_avg_sq"},
                                  {.name = "mu_product", .initial = 1, .scalar = true}}},
                      groups, options) {
  check_groups();
}

void NAdam::check(const GroupSettings& s) const {
  MomentOptimizer::check(s);
  require_not_negative("momentum_decay", options_.momentum_decay);
}

void NAdam::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  auto settings = update_of<NadamUpdate>(entry, s);
  settings.momentum_decay = options_.momentum_decay;
  double mu_product = entry.state[2].item();
  nadam_update_(entry.parameter.tensor, gradient, entry.state[0], entry.state[1], mu_product,
                settings);
  entry.state[2].fill_(mu_product);
}

}  // namespace gradus::optim
