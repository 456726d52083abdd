#include "schedule.h"

#include <numbers>

#include "../core/base/error.h"
#include "../core/io/state_loader.h"
#include "../core/ops.h"
#include "option_range.h"

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
  require(step >= 0, "Schedule", "steps are counted from 0", "there is no step ", step);
  optimizer_->settings(group);  // throws if there is no such group
  return curve_.at(step, group, base_lrs_[group]).lr;
}

NamedTensors Schedule::state_dict() const {
  return {{"steps", tensor({steps_}, {})},
          {"base_lrs", tensor(base_lrs_, {static_cast<int64_t>(base_lrs_.size())})}};
}

void Schedule::load_state_dict(const NamedTensors& state) {
  StateLoader loader(state);
  const int64_t steps = loader.take_count("steps");
  const Tensor bases = loader.take("base_lrs", {static_cast<int64_t>(base_lrs_.size())}, float64);
  loader.finish("Schedule", "it must come from a schedule of an optimizer with the same groups");
  std::vector<double> base_lrs = bases.to_vector<double>();
  apply(steps, base_lrs);
  base_lrs_ = std::move(base_lrs);
  steps_ = steps;
}

void check_per_group(std::string_view who, const char* option, const PerGroup& values,
                     size_t groups, const char* hint) {
  require(values.fits(groups), who, "give one number for all, or one per group", option, " has ",
          values.values().size(), " values, there are ", groups, " groups");
  for (const double value : values.values()) check_option(who, option, value, not_negative, hint);
}

namespace {

constexpr const char* a_rate = "no learning rate is negative";
constexpr const char* a_step = "steps are counted from 0";
constexpr const char* a_factor = "the learning rate is multiplied with it; 0.1 makes it a tenth";
constexpr const char* a_divisor = "the learning rate is divided by it";

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

void StepLR::check(const Optimizer&) const {
  check_option("StepLR", "step_size", step_size, count);
  check_option("StepLR", "gamma", gamma, not_negative, a_factor);
}

void MultiStepLR::check(const Optimizer&) const {
  for (const int64_t milestone : milestones) {
    check_option("MultiStepLR", "a milestone", milestone, not_negative, a_step);
  }
  check_option("MultiStepLR", "gamma", gamma, not_negative, a_factor);
}

void ExponentialLR::check(const Optimizer&) const {
  check_option("ExponentialLR", "gamma", gamma, positive, a_factor);
}

void ConstantLR::check(const Optimizer&) const {
  check_option("ConstantLR", "factor", factor, share);
  check_option("ConstantLR", "total_iters", total_iters, not_negative, a_step);
}

Rates LinearLR::at(int64_t t, size_t, double base_lr) const {
  const double part = ratio(std::min(t, total_iters), total_iters);
  return {base_lr * between(Anneal::linear, start_factor, end_factor, part)};
}

void LinearLR::check(const Optimizer&) const {
  check_option("LinearLR", "start_factor", start_factor, share);
  check_option("LinearLR", "end_factor", end_factor, share);
  check_option("LinearLR", "total_iters", total_iters, count);
}

Rates PolynomialLR::at(int64_t t, size_t, double base_lr) const {
  const double left = 1 - ratio(std::min(t, total_iters), total_iters);
  return {base_lr * std::pow(left, power)};
}

void PolynomialLR::check(const Optimizer&) const {
  check_option("PolynomialLR", "total_iters", total_iters, count);
  check_option("PolynomialLR", "power", power, not_negative,
               "1 falls in a straight line, more falls faster at first");
}

void LambdaLR::check(const Optimizer& optimizer) const {
  const size_t groups = optimizer.group_count();
  require(lr_lambda.size() == 1 || lr_lambda.size() == groups, "LambdaLR",
          "give one function for all, or one per group", "lr_lambda has ", lr_lambda.size(),
          " functions, there are ", groups, " groups");
  for (const auto& factor : lr_lambda) {
    require(factor != nullptr, "LambdaLR", "give a function from step to factor",
            "a function in lr_lambda is empty");
  }
}

// --- Cosines ---

Rates CosineAnnealingLR::at(int64_t t, size_t, double base_lr) const {
  return {between(Anneal::cos, base_lr, eta_min, ratio(t, T_max))};
}

void CosineAnnealingLR::check(const Optimizer&) const {
  check_option("CosineAnnealingLR", "T_max", T_max, count);
  check_option("CosineAnnealingLR", "eta_min", eta_min, not_negative, a_rate);
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
  check_option("CosineAnnealingWarmRestarts", "T_0", T_0, count);
  check_option("CosineAnnealingWarmRestarts", "T_mult", T_mult, count);
  check_option("CosineAnnealingWarmRestarts", "eta_min", eta_min, not_negative, a_rate);
}

int64_t OneCycleLR::steps() const {
  if (total_steps) return *total_steps;
  require(epochs && steps_per_epoch, "OneCycleLR",
          "give total_steps, or epochs and steps_per_epoch", "the number of steps is missing");
  int64_t product = 0;
  require(!__builtin_mul_overflow(*epochs, *steps_per_epoch, &product), "OneCycleLR",
          "so many steps cannot be counted", *epochs, " epochs of ", *steps_per_epoch, " steps");
  return product;
}

Rates OneCycleLR::at(int64_t t, size_t group, double) const {
  const int64_t total = steps();
  require(t <= total, "OneCycleLR", "total_steps must be the number of steps of the whole training",
          "step ", t, " of a cycle of ", total, " steps");
  const double high = max_momentum[group], low = base_momentum[group];
  const Rates start{max_lr[group] / div_factor, high}, top{max_lr[group], low};
  const Rates end{start.lr / final_div_factor, high};
  const auto length = static_cast<double>(total);
  const double up = pct_start * length - 1, last = length - 1;
  // The last call of Schedule::step() in a training asks for a step that is never taken.
  const double now = std::min(static_cast<double>(t), last);
  const auto phase = [&](double begin, double until, const Rates& from, const Rates& to) {
    const double part = until > begin ? (now - begin) / (until - begin) : 1;
    Rates rates{between(anneal_strategy, from.lr, to.lr, part)};
    if (cycle_momentum) {
      rates.momentum = between(anneal_strategy, *from.momentum, *to.momentum, part);
    }
    return rates;
  };
  if (now <= up) return phase(0, up, start, top);
  if (!three_phase) return phase(up, last, top, end);
  if (now <= 2 * up) return phase(up, 2 * up, top, start);
  return phase(2 * up, last, start, end);
}

void OneCycleLR::check(const Optimizer& optimizer) const {
  const char* const name = "OneCycleLR";
  const size_t groups = optimizer.group_count();
  if (!total_steps && epochs && steps_per_epoch) {
    check_option(name, "epochs", *epochs, count);
    check_option(name, "steps_per_epoch", *steps_per_epoch, count);
  }
  check_option(name, "total_steps", steps(), count);
  check_per_group(name, "max_lr", max_lr, groups, positive.hint);
  for (const double lr : max_lr.values()) check_option(name, "max_lr", lr, positive);
  check_option(name, "pct_start", pct_start, share);
  check_option(name, "div_factor", div_factor, positive, a_divisor);
  check_option(name, "final_div_factor", final_div_factor, positive, a_divisor);
  if (!cycle_momentum) return;
  check_per_group(name, "base_momentum", base_momentum, groups, "no momentum is negative");
  check_per_group(name, "max_momentum", max_momentum, groups, "no momentum is negative");
  require(optimizer.has_momentum(), name,
          "build the optimizer with momentum, or pass .cycle_momentum = false",
          "there is no momentum to cycle in ", optimizer.type());
}

// --- Combination ---

Rates SequentialLR::at(int64_t t, size_t group, double base_lr) const {
  const auto next = std::upper_bound(milestones.begin(), milestones.end(), t);
  const auto index = static_cast<size_t>(next - milestones.begin());
  return schedules[index].at(index == 0 ? t : t - milestones[index - 1], group, base_lr);
}

void SequentialLR::check(const Optimizer& optimizer) const {
  const size_t parts = schedules.size();
  require(parts == milestones.size() + 1, "SequentialLR",
          "a milestone is where the next schedule begins", parts, " schedules need ",
          std::max<size_t>(parts, 1) - 1, " milestones, got ", milestones.size());
  int64_t last = 0;
  for (const int64_t milestone : milestones) {
    require(milestone > last, "SequentialLR", "they must be positive and increase", "milestone ",
            milestone, " comes after ", last);
    last = milestone;
  }
  for (const Curve& schedule : schedules) schedule.check(optimizer);
}

}  // namespace gradus::optim
