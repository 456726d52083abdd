// What Adam and its relatives have in common.
#pragma once

#include <utility>

#include "optimizer.h"

namespace gradus::optim {

/// An optimizer with two moving averages. `Options` has lr, betas, eps, weight_decay, l1_decay and
/// maximize; the momentum of a group is beta1.
template <class Options>
class MomentOptimizer : public Optimizer {
 protected:
  MomentOptimizer(Kind kind, const std::vector<ParameterGroup>& groups, const Options& options)
      : Optimizer(std::move(kind), groups,
                  {.lr = options.lr,
                   .weight_decay = options.weight_decay,
                   .momentum = options.betas[0],
                   .l1_decay = options.l1_decay}),
        options_(options) {}

  void check(const GroupSettings& s) const override {
    Optimizer::check(s);
    require_betas(s.momentum, options_.betas[1]);
    require_eps(options_.eps);
  }

  /// What all their updates (see optim/update.h) are told.
  template <class Update>
  Update update_of(const Entry& entry, const GroupSettings& s) const {
    Update update;
    update.lr = s.lr;
    update.beta1 = s.momentum;
    update.beta2 = options_.betas[1];
    update.eps = options_.eps;
    update.weight_decay = s.weight_decay;
    update.l1_decay = s.l1_decay;
    update.maximize = options_.maximize;
    update.step = entry.steps;
    return update;
  }

  Options options_;
};

}  // namespace gradus::optim
