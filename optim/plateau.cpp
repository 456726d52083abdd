#include "plateau.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../core/io/state_loader.h"
#include "../core/ops.h"
#include "option_range.h"

namespace gradus::optim {

namespace {

constexpr const char* plateau_name = "ReduceLROnPlateau";
constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const PlateauOptions& options)
    : optimizer_(&optimizer),
      options_(options),
      best_(options.mode == PlateauMode::min ? infinity : -infinity) {
  check_option(plateau_name, "factor", options.factor, share_below_1,
               "the learning rate is multiplied with it; 0.1 is usual");
  check_option(plateau_name, "patience", options.patience, not_negative);
  check_option(plateau_name, "threshold", options.threshold, not_negative);
  check_option(plateau_name, "cooldown", options.cooldown, not_negative);
  check_option(plateau_name, "eps", options.eps, not_negative);
  check_per_group(plateau_name, "min_lr", options.min_lr, optimizer.group_count());
}

bool ReduceLROnPlateau::is_better(double metric) const {
  const bool is_share = options_.threshold_mode == ThresholdMode::relative;
  // No number is nearer to an infinite best than another.
  const double least = !std::isfinite(best_) ? 0
                       : is_share            ? options_.threshold * std::abs(best_)
                                             : options_.threshold;
  return options_.mode == PlateauMode::min ? metric < best_ - least : metric > best_ + least;
}

void ReduceLROnPlateau::step(double metric) {
  if (is_better(metric)) {
    best_ = metric;
    num_bad_epochs_ = 0;
  } else {
    ++num_bad_epochs_;
  }
  if (cooldown_counter_ > 0) {
    --cooldown_counter_;
    num_bad_epochs_ = 0;
  }
  if (num_bad_epochs_ > options_.patience) {
    reduce();
    cooldown_counter_ = options_.cooldown;
    num_bad_epochs_ = 0;
  }
}

void ReduceLROnPlateau::reduce() {
  std::vector<GroupSettings> settings = optimizer_->all_settings();
  for (size_t group = 0; group < settings.size(); ++group) {
    double& lr = settings[group].lr;
    const double reduced = std::max(lr * options_.factor, options_.min_lr[group]);
    if (lr - reduced > options_.eps) lr = reduced;
  }
  optimizer_->set_all_settings(settings);
}

NamedTensors ReduceLROnPlateau::state_dict() const {
  return {{"best", tensor({best_}, {})},
          {"num_bad_epochs", tensor({num_bad_epochs_}, {})},
          {"cooldown_counter", tensor({cooldown_counter_}, {})}};
}

void ReduceLROnPlateau::load_state_dict(const NamedTensors& state) {
  StateLoader loader(state);
  ReduceLROnPlateau loaded = *this;
  loaded.best_ = loader.take_number("best");
  loaded.num_bad_epochs_ = loader.take_count("num_bad_epochs");
  loaded.cooldown_counter_ = loader.take_count("cooldown_counter");
  loader.finish(plateau_name, "it must come from a ReduceLROnPlateau");
  *this = std::move(loaded);
}

}  // namespace gradus::optim
