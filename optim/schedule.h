// Learning rates that change during training.
//
// A schedule is a formula: the rate at step t follows from t and the rate that the optimizer was
// built with, and from nothing else. So a schedule can be plotted without being run, and a run that
// is resumed at step t continues bit by bit. Names, options and values are those of
// torch.optim.lr_scheduler; what its schedulers do step by step, their formulas do up to rounding.
// One exception: at t = total_steps, after its last step, OneCycleLR stays where it ended, and
// PyTorch's continues along the curve.
//
//     optim::SGD sgd(net.named_parameters(), {.lr = 0.1, .momentum = 0.9});
//     optim::Schedule schedule(sgd, optim::CosineAnnealingLR{.T_max = steps});
//     ...
//     sgd.step();
//     schedule.step();  // after each step of the optimizer
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <vector>

#include "optimizer.h"

namespace gradus::optim {

/// One number for all groups, or one for each: `0.1` or `{0.1, 0.02}`.
class PerGroup {
 public:
  PerGroup(double all) : values_{all} {}
  PerGroup(std::initializer_list<double> values) : values_(values) {}
  explicit PerGroup(std::vector<double> values) : values_(std::move(values)) {}
  double operator[](size_t group) const { return values_[values_.size() == 1 ? 0 : group]; }
  const std::vector<double>& values() const { return values_; }
  bool fits(size_t groups) const { return values_.size() == 1 || values_.size() == groups; }

 private:
  std::vector<double> values_;
};

/// The rates that a schedule sets for one group.
struct Rates {
  double lr = 0;                        ///< learning rate
  std::optional<double> momentum = {};  ///< unchanged if not given
};

/// Any of the schedules below, or one of yours: a copyable type with
///
///     Rates at(int64_t t, size_t group, double base_lr) const;  // t = 0, 1, 2 ...
///     void check(const Optimizer& optimizer) const;             // throws ValueError for nonsense
class Curve {
 public:
  template <class Formula>
  requires requires(const Formula& f, const Optimizer& o) {
    f.check(o);
    { f.at(int64_t{}, size_t{}, double{}) } -> std::same_as<Rates>;
  } &&(!std::same_as<Formula, Curve>)Curve(Formula formula) {
    const auto shared = std::make_shared<const Formula>(std::move(formula));
    at_ = [shared](int64_t t, size_t group, double base) { return shared->at(t, group, base); };
    check_ = [shared](const Optimizer& optimizer) { shared->check(optimizer); };
  }

  Rates at(int64_t t, size_t group, double base_lr) const { return at_(t, group, base_lr); }
  void check(const Optimizer& optimizer) const { check_(optimizer); }

 private:
  std::function<Rates(int64_t t, size_t group, double base_lr)> at_;
  std::function<void(const Optimizer& optimizer)> check_;
};

/// Sets the rates of an optimizer, which must outlive it.
class Schedule {
 public:
  /// Sets the rates for the first step. The optimizer's rates before that are the base of the
  /// formulas. Throws ValueError for invalid options.
  Schedule(Optimizer& optimizer, Curve curve);

  /// Sets the rates for the next step; call it after each step of the optimizer. Throws ValueError
  /// if the schedule has ended or the optimizer rejects a rate, and then changes nothing.
  void step();
  /// Number of calls of step().
  int64_t steps() const { return steps_; }
  /// The rate at any step, without changing the current one.
  double lr_at(int64_t step, size_t group = 0) const;

  /// "steps" (int64) and the base of the formulas, "base_lrs" (float64, one per group).
  NamedTensors state_dict() const;
  /// Resumes from such a state and sets the rates that belong to it. Formulas are not saved: build
  /// the schedule with the same options. Throws one ValueError that lists everything that does not
  /// fit, and then changes nothing.
  void load_state_dict(const NamedTensors& state);

 private:
  void apply(int64_t step, const std::vector<double>& base_lrs);

  Optimizer* optimizer_;
  Curve curve_;
  std::vector<double> base_lrs_;
  int64_t steps_ = 0;
};

// --- Factors -------------------------------------------------------------------------------------
// lr(t) = base * factor

/// gamma^floor(t / step_size)
struct StepLR {
  int64_t step_size = 0;  ///< steps at one rate; at least 1
  double gamma = 0.1;     ///< at least 0
  Rates at(int64_t t, size_t, double base_lr) const {
    const int64_t drops = t / step_size;
    return {base_lr * std::pow(gamma, static_cast<double>(drops))};
  }
  void check(const Optimizer& optimizer) const;
};

/// gamma^(number of milestones <= t); one that is listed twice counts twice.
struct MultiStepLR {
  std::vector<int64_t> milestones;  ///< steps at which the rate changes, in any order
  double gamma = 0.1;               ///< at least 0
  Rates at(int64_t t, size_t, double base_lr) const {
    const auto passed = [t](int64_t milestone) { return milestone <= t; };
    return {base_lr * std::pow(gamma, static_cast<double>(std::count_if(
                                          milestones.begin(), milestones.end(), passed)))};
  }
  void check(const Optimizer& optimizer) const;
};

/// gamma^t
struct ExponentialLR {
  double gamma = 0;  ///< positive
  Rates at(int64_t t, size_t, double base_lr) const {
    return {base_lr * std::pow(gamma, static_cast<double>(t))};
  }
  void check(const Optimizer& optimizer) const;
};

/// factor before step total_iters, then 1.
struct ConstantLR {
  double factor = 1.0 / 3;  ///< in [0, 1]
  int64_t total_iters = 5;  ///< at least 0
  Rates at(int64_t t, size_t, double base_lr) const {
    return {t < total_iters ? base_lr * factor : base_lr};
  }
  void check(const Optimizer& optimizer) const;
};

/// start_factor + (end_factor - start_factor) min(t, total_iters) / total_iters: a warm-up, or a
/// decay.
struct LinearLR {
  double start_factor = 1.0 / 3;  ///< at step 0; in [0, 1]
  double end_factor = 1;          ///< from step total_iters on; in [0, 1]
  int64_t total_iters = 5;        ///< at least 1
  Rates at(int64_t t, size_t group, double base_lr) const;
  void check(const Optimizer& optimizer) const;
};

/// (1 - min(t, total_iters) / total_iters)^power
struct PolynomialLR {
  int64_t total_iters = 5;  ///< where the rate reaches 0; at least 1
  double power = 1;         ///< 1 for a line; at least 0
  Rates at(int64_t t, size_t group, double base_lr) const;
  void check(const Optimizer& optimizer) const;
};

/// A factor of your own: one function for all groups, or one for each.
struct LambdaLR {
  std::vector<std::function<double(int64_t t)>> lr_lambda;  ///< of the number of the step, from 0
  Rates at(int64_t t, size_t group, double base_lr) const {
    return {base_lr * lr_lambda[lr_lambda.size() == 1 ? 0 : group](t)};
  }
  void check(const Optimizer& optimizer) const;
};

// --- Cosines -------------------------------------------------------------------------------------

/// eta_min + (base - eta_min) (1 + cos(pi t / T_max)) / 2; past T_max the rate rises again
/// (Loshchilov and Hutter, "SGDR", arXiv 1608.03983, without restarts).
struct CosineAnnealingLR {
  int64_t T_max = 0;   ///< steps from the base to eta_min; at least 1
  double eta_min = 0;  ///< the lowest rate; at least 0
  Rates at(int64_t t, size_t group, double base_lr) const;
  void check(const Optimizer& optimizer) const;
};

/// The same from base to eta_min in T_0 steps, and once more in T_mult T_0, T_mult^2 T_0 ... steps.
struct CosineAnnealingWarmRestarts {
  int64_t T_0 = 0;     ///< steps of the first round; at least 1
  int64_t T_mult = 1;  ///< factor by which each round is longer than the last; at least 1
  double eta_min = 0;  ///< the lowest rate; at least 0
  Rates at(int64_t t, size_t group, double base_lr) const;
  void check(const Optimizer& optimizer) const;
};

/// The curve from one rate to another: half a cosine, or a line.
enum class Anneal { cos, linear };

/// One cycle (Smith and Topin, "Super-convergence", arXiv 1708.07120): from max_lr / div_factor up
/// to max_lr in pct_start of the steps, then down to max_lr / div_factor / final_div_factor, while
/// momentum (beta1 in Adam) goes from max_momentum to base_momentum and back. With three_phase the
/// rate returns to its start in the same time, and falls below it in the last part. The rate the
/// optimizer was built with does not matter. Steps are total_steps, or epochs times
/// steps_per_epoch; going further throws ValueError.
struct OneCycleLR {
  PerGroup max_lr = 0;                          ///< the top; positive
  std::optional<int64_t> total_steps = {};      ///< of the whole training run; or, if not given,
  std::optional<int64_t> epochs = {};           ///< times steps_per_epoch
  std::optional<int64_t> steps_per_epoch = {};  ///< batches, DataLoader::size()
  double pct_start = 0.3;                       ///< share of the steps on the way up, in [0, 1]
  Anneal anneal_strategy = Anneal::cos;         ///< the curve between the rates
  bool cycle_momentum = true;     ///< change the momentum too; ValueError if there is none
  PerGroup base_momentum = 0.85;  ///< the lowest, where the rate is highest
  PerGroup max_momentum = 0.95;   ///< the highest, at start and end
  double div_factor = 25;         ///< max_lr divided by the first rate; positive
  double final_div_factor = 1e4;  ///< the first rate divided by the last; positive
  bool three_phase = false;       ///< up, down the same way, and further down
  Rates at(int64_t t, size_t group, double base_lr) const;
  void check(const Optimizer& optimizer) const;
  /// Number of steps in the cycle. Throws ValueError if it is not given.
  int64_t steps() const;
};

// --- Combination ---------------------------------------------------------------------------------

/// One after the other: schedules[0] before step milestones[0], then schedules[1], which starts at
/// its own step 0, and so on.
///
///     optim::SequentialLR{.schedules = {optim::LinearLR{.start_factor = 0.1, .total_iters = 500},
///                                       optim::CosineAnnealingLR{.T_max = 9500}},
///                         .milestones = {500}}
struct SequentialLR {
  std::vector<Curve> schedules;     ///< at least one
  std::vector<int64_t> milestones;  ///< one less than schedules; positive and increasing
  Rates at(int64_t t, size_t group, double base_lr) const;
  void check(const Optimizer& optimizer) const;
};

}  // namespace gradus::optim
