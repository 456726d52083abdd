// From options to update rules: what the optimizers of the library share. One of them is its
// header, its rule in all_rules_kernel.h, and a row at the end of each of these files.
#include <algorithm>

#include "../core/ops.h"
#include "adadelta.h"
#include "adagrad.h"
#include "adam.h"
#include "adamax.h"
#include "apply.h"
#include "lion.h"
#include "nadam.h"
#include "option_range.h"
#include "radam.h"
#include "rmsprop.h"
#include "sgd.h"

namespace gradus::optim {

namespace {

template <class Options>
concept HasBetas = requires(Options o) {
  o.betas;
};
template <class Options>
concept HasL1Decay = requires(Options o) {
  o.l1_decay;
};

/// What groups have if they do not say.
template <class Options>
GroupSettings settings_of(const Options& o) {
  GroupSettings s{.lr = o.lr, .weight_decay = o.weight_decay};
  if constexpr (HasL1Decay<Options>) s.l1_decay = o.l1_decay;
  if constexpr (HasBetas<Options>) s.momentum = o.betas[0];
  if constexpr (requires { o.momentum; }) s.momentum = o.momentum;
  return s;
}

// Hints.
constexpr const char* a_beta =
    "it is the share of the average that a step keeps; 0.9 and more are usual";
constexpr const char* an_alpha = "it is the share of the average that a step keeps; 0.99 is usual";
constexpr const char* a_rho = "it is the share of the average that a step keeps; 0.9 is usual";
constexpr const char* an_eps = "it keeps the divisor from 0; 1e-8 is usual";

/// Calls visit(field of Step, name, value, range, hint) for what an optimizer with these options
/// has beside a rate and decays.
template <class Options, class Visit>
void for_each_option(const Options& o, const GroupSettings& s, const Visit& visit) {
  if constexpr (HasBetas<Options>) {
    visit(&Step::beta1, "betas[0]", s.momentum, share_below_1, a_beta);
    visit(&Step::beta2, "betas[1]", o.betas[1], share_below_1, a_beta);
  } else {
    visit(&Step::momentum, "momentum", s.momentum, not_negative);
  }
  if constexpr (requires { o.alpha; }) visit(&Step::alpha, "alpha", o.alpha, share, an_alpha);
  if constexpr (requires { o.rho; }) visit(&Step::rho, "rho", o.rho, share, a_rho);
  if constexpr (requires { o.eps; }) visit(&Step::eps, "eps", o.eps, not_negative, an_eps);
  if constexpr (requires { o.dampening; })
    visit(&Step::dampening, "dampening", o.dampening, finite);
  if constexpr (requires { o.lr_decay; }) {
    visit(&Step::lr_decay, "lr_decay", o.lr_decay, not_negative);
  }
  if constexpr (requires { o.momentum_decay; }) {
    visit(&Step::momentum_decay, "momentum_decay", o.momentum_decay, not_negative);
  }
}

/// Whether the momentum of any group means anything.
template <class Options>
bool any_momentum(const Options& o, const ParameterGroups& groups) {
  if constexpr (!requires { o.momentum; }) return HasBetas<Options>;
  return std::any_of(groups.begin(), groups.end(), [&](const ParameterGroup& group) {
    return group.momentum.value_or(settings_of(o).momentum) != 0;
  });
}

}  // namespace

template <class Options, class Rule>
RuleOptimizer<Options, Rule>::RuleOptimizer(const ParameterGroups& groups, const Options& options)
    : Optimizer({.type = Options::type,
                 .states = options.states(),
                 .has_momentum = any_momentum(options, groups),
                 .has_l1_decay = HasL1Decay<Options>},
                groups, settings_of(options)),
      options_(options) {
  check_groups();
}

template <class Options, class Rule>
void RuleOptimizer<Options, Rule>::check(const GroupSettings& s) const {
  Optimizer::check(s);
  const Options& o = options_;
  for_each_option(
      o, s,
      [&](auto, const char* name, double value, const OptionRange& range,
          const char* hint = nullptr) { check_option(type(), name, value, range, hint); });
  if constexpr (requires { o.initial_accumulator_value; }) {
    check_option(type(), "initial_accumulator_value", o.initial_accumulator_value, not_negative);
  }
  if constexpr (requires { o.nesterov; }) {
    require(!o.nesterov || (s.momentum != 0 && o.dampening == 0), type(),
            "{.momentum = 0.9, .nesterov = true} is usual",
            "nesterov needs momentum and no dampening, got momentum ", s.momentum, ", dampening ",
            o.dampening);
  }
}

template <class Options, class Rule>
void RuleOptimizer<Options, Rule>::update(Entry& entry, const Tensor& gradient,
                                          const GroupSettings& s) {
  const Options& o = options_;
  Step step{.t = static_cast<double>(entry.steps),
            .lr = s.lr,
            .weight_decay = s.weight_decay,
            .l1_decay = s.l1_decay,
            .decoupled = !HasL1Decay<Options>,
            .maximize = o.maximize};
  for_each_option(o, s,
                  [&](auto field, auto, double value, const OptionRange&, const char* = nullptr) {
                    step.*field = value;
                  });
  if constexpr (requires { o.nesterov; }) step.nesterov = o.nesterov;
  std::array<Tensor*, 3> state = {};
  for (size_t i = 0; i < entry.state.size(); ++i) {
    const StateSpec& spec = states()[i];
    if (spec.scalar) {
      step.mu_product = entry.state[i].item();
    } else if (spec.kept && (s.momentum != 0 || !spec.momentum)) {
      state[i] = &entry.state[i];
    }
  }
  const Rule rule{step};
  apply_rule(rule, entry.parameter.tensor, gradient, state);
  if constexpr (requires { rule.product; }) entry.state.back().fill_(rule.product);
}

template class RuleOptimizer<SGDOptions, SGDRule>;
template class RuleOptimizer<AdamOptions, AdamRule>;
template class RuleOptimizer<AdamWOptions, AdamRule>;
template class RuleOptimizer<AdamaxOptions, AdamaxRule>;
template class RuleOptimizer<NAdamOptions, NAdamRule>;
template class RuleOptimizer<RAdamOptions, RAdamRule>;
template class RuleOptimizer<LionOptions, LionRule>;
template class RuleOptimizer<RMSpropOptions, RMSpropRule>;
template class RuleOptimizer<AdagradOptions, AdagradRule>;
template class RuleOptimizer<AdadeltaOptions, AdadeltaRule>;

}  // namespace gradus::optim
