#include "schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "../core/base/error.h"
#include "../core/ops.h"
#include "state_loader.h"

namespace gradus::optim {

// --- Schedule ---

Schedule::Schedule(Optimizer& optimizer, Curve curve)
    : optimizer_(&optimizer), curve_(std::move(curve)) {
  curve_.check(optimizer);
  for (const GroupSettings& group : optimizer.all_settings()) base_lrs_.push_back(group.lr);
  apply(0, base_lrs_);
}

void Schedule::apply(int64_t step, const std::vector<double>& base_lrs) {
  std::vector<GroupSettings> settings = optimizer_->all_settings();
  for (size_t group = 0; group < settings.size(); ++group) {
    const Rates rates = curve_.at(step, group, base_lrs[group]);
    settings[group].lr = rates.lr;
    settings[group].momentum = rates.momentum.value_or(settings[group].momentum);
  }
  optimizer_->set_all_settings(settings);
}

void Schedule::step() {
  apply(steps_ + 1, base_lrs_);
  ++steps_;
}

double Schedule::lr_at(int64_t step, size_t group) const {
  if (step < 0) {
    throw ValueError("Schedule", str("there is no step ", step), "steps are counted from 0");
  }
  optimizer_->settings(group);  // throws where there is no such group
  return curve_.at(step, group, base_lrs_[group]).lr;
}

NamedTensors Schedule::state_dict() const {
  return {{"steps", tensor({steps_}, {})},
          {"base_lrs", tensor(base_lrs_, {static_cast<int64_t>(base_lrs_.size())})}};
}

void Schedule::load_state_dict(const NamedTensors& state) {
  StateLoader loader(state);
  const int64_t steps = loader.take_count("steps", 0);
  const Tensor bases = loader.take("base_lrs", {static_cast<int64_t>(base_lrs_.size())}, float64);
  loader.finish("Schedule", "it must come from a schedule of an optimizer with the same groups");
  std::vector<double> base_lrs = bases.to_vector<double>();
  apply(steps, base_lrs);
  base_lrs_ = std::move(base_lrs);
  steps_ = steps;
}

namespace {

// --- Checks ---

void require(bool ok, const char* schedule, const char* option, double value, const char* range,
             const char* hint) {
  if (!ok) throw ValueError(schedule, str(option, " must be ", range, ", got ", value), hint);
}

void require_count(const char* schedule, const char* option, int64_t value) {
  require(value >= 1, schedule, option, static_cast<double>(value), "at least 1",
          "counts of steps start at 1");
}

constexpr const char* no_negative_rate = "no learning rate is negative";
constexpr const char* no_zero_rate = "give a rate above 0";
constexpr const char* no_negative_step = "steps are counted from 0";
constexpr const char* a_factor = "the learning rate is multiplied with it; 0.1 makes it a tenth";
constexpr const char* a_divisor = "the learning rate is divided by it";

void require_not_negative(const char* schedule, const char* option, double value,
                          const char* hint) {
  require(value >= 0 && std::isfinite(value), schedule, option, value, "a number of at least 0",
          hint);
}

void require_positive(const char* schedule, const char* option, double value, const char* hint) {
  require(value > 0 && std::isfinite(value), schedule, option, value, "a positive number", hint);
}

void require_share(const char* schedule, const char* option, double value) {
  require(value >= 0 && value <= 1, schedule, option, value, "in [0, 1]",
          "it is a share: 0.1 is a tenth");
}

void require_per_group(const char* schedule, const char* option, const PerGroup& values,
                       const char* hint, const Optimizer& optimizer) {
  if (!values.fits(optimizer.group_count())) {
    throw ValueError(schedule,
                     str(option, " has ", values.values().size(), " values, there are ",
                         optimizer.group_count(), " groups"),
                     "give one number for all, or one per group");
  }
  for (const double value : values.values()) require_not_negative(schedule, option, value, hint);
}

/// A rate between two others, at `part` of the way.
double between(Anneal strategy, double from, double to, double part) {
  if (strategy == Anneal::linear) return from + (to - from) * part;
  return to + (from - to) * (1 + std::cos(std::numbers::pi * part)) / 2;
}

double ratio(int64_t a, int64_t b) {
  return static_cast<double>(a) / static_cast<double>(b);
}

}  // namespace

// --- Factors ---

Rates StepLR::at(int64_t t, size_t, double base_lr) const {
  const int64_t drops = t / step_size;
  return {base_lr * std::pow(gamma, static_cast<double>(drops))};
}

void StepLR::check(const Optimizer&) const {
  require_count("StepLR", "step_size", step_size);
  require_not_negative("StepLR", "gamma", gamma, a_factor);
}

Rates MultiStepLR::at(int64_t t, size_t, double base_lr) const {
  const auto passed = std::count_if(milestones.begin(), milestones.end(),
                                    [t](int64_t milestone) { return milestone <= t; });
  return {base_lr * std::pow(gamma, static_cast<double>(passed))};
}

void MultiStepLR::check(const Optimizer&) const {
  for (const int64_t milestone : milestones) {
    require_not_negative("MultiStepLR", "a milestone", static_cast<double>(milestone),
                         no_negative_step);
  }
  require_not_negative("MultiStepLR", "gamma", gamma, a_factor);
}

Rates ExponentialLR::at(int64_t t, size_t, double base_lr) const {
  return {base_lr * std::pow(gamma, static_cast<double>(t))};
}

void ExponentialLR::check(const Optimizer&) const {
  require_positive("ExponentialLR", "gamma", gamma, a_factor);
}

Rates ConstantLR::at(int64_t t, size_t, double base_lr) const {
  return {t < total_iters ? base_lr * factor : base_lr};
}

void ConstantLR::check(const Optimizer&) const {
  require_share("ConstantLR", "factor", factor);
  require_not_negative("ConstantLR", "total_iters", static_cast<double>(total_iters),
                       no_negative_step);
}

Rates LinearLR::at(int64_t t, size_t, double base_lr) const {
  const double part = ratio(std::min(t, total_iters), total_iters);
  return {base_lr * between(Anneal::linear, start_factor, end_factor, part)};
}

void LinearLR::check(const Optimizer&) const {
  require_share("LinearLR", "start_factor", start_factor);
  require_share("LinearLR", "end_factor", end_factor);
  require_count("LinearLR", "total_iters", total_iters);
}

Rates PolynomialLR::at(int64_t t, size_t, double base_lr) const {
  const double left = 1 - ratio(std::min(t, total_iters), total_iters);
  return {base_lr * std::pow(left, power)};
}

void PolynomialLR::check(const Optimizer&) const {
  require_count("PolynomialLR", "total_iters", total_iters);
  require_not_negative("PolynomialLR", "power", power,
                       "1 falls in a straight line, more falls faster at first");
}

Rates LambdaLR::at(int64_t t, size_t group, double base_lr) const {
  return {base_lr * lr_lambda[lr_lambda.size() == 1 ? 0 : group](t)};
}

void LambdaLR::check(const Optimizer& optimizer) const {
  const size_t groups = optimizer.group_count();
  if (lr_lambda.size() != 1 && lr_lambda.size() != groups) {
    throw ValueError(
        "LambdaLR",
        str("lr_lambda has ", lr_lambda.size(), " functions, there are ", groups, " groups"),
        "give one function for all, or one per group");
  }
  for (const auto& factor : lr_lambda) {
    if (!factor) {
      throw ValueError("LambdaLR", "a function in lr_lambda is empty",
                       "give a function from step to factor");
    }
  }
}

// --- Cosines ---

Rates CosineAnnealingLR::at(int64_t t, size_t, double base_lr) const {
  return {between(Anneal::cos, base_lr, eta_min, ratio(t, T_max))};
}

void CosineAnnealingLR::check(const Optimizer&) const {
  require_count("CosineAnnealingLR", "T_max", T_max);
  require_not_negative("CosineAnnealingLR", "eta_min", eta_min, no_negative_rate);
}

Rates CosineAnnealingWarmRestarts::at(int64_t t, size_t, double base_lr) const {
  auto length = static_cast<double>(T_0);
  auto since = static_cast<double>(T_mult == 1 ? t % T_0 : t);
  while (since >= length) {
    since -= length;
    length *= static_cast<double>(T_mult);
  }
  return {between(Anneal::cos, base_lr, eta_min, since / length)};
}

void CosineAnnealingWarmRestarts::check(const Optimizer&) const {
  require_count("CosineAnnealingWarmRestarts", "T_0", T_0);
  require_count("CosineAnnealingWarmRestarts", "T_mult", T_mult);
  require_not_negative("CosineAnnealingWarmRestarts", "eta_min", eta_min, no_negative_rate);
}

int64_t OneCycleLR::steps() const {
  if (total_steps) return *total_steps;
  int64_t product = 0;
  if (epochs && steps_per_epoch) {
    if (!__builtin_mul_overflow(*epochs, *steps_per_epoch, &product)) return product;
    throw ValueError("OneCycleLR", str(*epochs, " epochs of ", *steps_per_epoch, " steps"),
                     "so many steps cannot be counted");
  }
  throw ValueError("OneCycleLR", "the number of steps is missing",
                   "give total_steps, or epochs and steps_per_epoch");
}

namespace {

/// A part of the cycle: where it ends, and from what to what it goes.
struct Phase {
  double end;
  double lr_from, lr_to;
  double momentum_from, momentum_to;
};

std::vector<Phase> phases_of(const OneCycleLR& cycle, size_t group) {
  const auto steps = static_cast<double>(cycle.steps());
  const double top = cycle.max_lr[group], start = top / cycle.div_factor;
  const double least = start / cycle.final_div_factor;
  const double high = cycle.max_momentum[group], low = cycle.base_momentum[group];
  const double up = cycle.pct_start * steps - 1;
  if (!cycle.three_phase) return {{up, start, top, high, low}, {steps - 1, top, least, low, high}};
  return {{up, start, top, high, low},
          {2 * up, top, start, low, high},
          {steps - 1, start, least, high, high}};
}

}  // namespace

Rates OneCycleLR::at(int64_t t, size_t group, double) const {
  if (t > steps()) {
    throw ValueError("OneCycleLR", str("step ", t, " of a cycle of ", steps(), " steps"),
                     "total_steps must be the number of steps of the whole training");
  }
  const std::vector<Phase> phases = phases_of(*this, group);
  // The last call of Schedule::step() in a training asks for a step that is never taken.
  const double now = std::min(static_cast<double>(t), phases.back().end);
  auto phase = phases.begin();
  double begin = 0;
  while (now > phase->end) begin = (phase++)->end;
  const double length = phase->end - begin;
  const double part = length > 0 ? (now - begin) / length : 1;
  Rates rates{between(anneal_strategy, phase->lr_from, phase->lr_to, part)};
  if (cycle_momentum) {
    rates.momentum = between(anneal_strategy, phase->momentum_from, phase->momentum_to, part);
  }
  return rates;
}

void OneCycleLR::check(const Optimizer& optimizer) const {
  const char* const name = "OneCycleLR";
  if (!total_steps && epochs && steps_per_epoch) {
    require_count(name, "epochs", *epochs);
    require_count(name, "steps_per_epoch", *steps_per_epoch);
  }
  require_count(name, "total_steps", steps());
  require_per_group(name, "max_lr", max_lr, no_zero_rate, optimizer);
  for (const double lr : max_lr.values()) require_positive(name, "max_lr", lr, no_zero_rate);
  require_share(name, "pct_start", pct_start);
  require_positive(name, "div_factor", div_factor, a_divisor);
  require_positive(name, "final_div_factor", final_div_factor, a_divisor);
  if (!cycle_momentum) return;
  require_per_group(name, "base_momentum", base_momentum, "no momentum is negative", optimizer);
  require_per_group(name, "max_momentum", max_momentum, "no momentum is negative", optimizer);
  if (optimizer.has_momentum()) return;
  throw ValueError(name, str("there is no momentum to cycle in ", optimizer.type()),
                   "build the optimizer with momentum, or pass .cycle_momentum = false");
}

// --- Combination ---

Rates SequentialLR::at(int64_t t, size_t group, double base_lr) const {
  const auto next = std::upper_bound(milestones.begin(), milestones.end(), t);
  const auto index = static_cast<size_t>(next - milestones.begin());
  return schedules[index].at(index == 0 ? t : t - milestones[index - 1], group, base_lr);
}

void SequentialLR::check(const Optimizer& optimizer) const {
  if (schedules.size() != milestones.size() + 1) {
    throw ValueError(
        "SequentialLR",
        str(schedules.size(), " schedules need ", std::max<size_t>(schedules.size(), 1) - 1,
            " milestones, got ", milestones.size()),
        "a milestone is where the next schedule begins");
  }
  int64_t last = 0;
  for (const int64_t milestone : milestones) {
    if (milestone <= last) {
      throw ValueError("SequentialLR", str("milestone ", milestone, " comes after ", last),
                       "they must be positive and increase");
    }
    last = milestone;
  }
  for (const Curve& schedule : schedules) schedule.check(optimizer);
}

}  // namespace gradus::optim
