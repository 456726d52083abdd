#include "plateau.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../core/base/error.h"
#include "../core/ops.h"
#include "state_loader.h"

namespace gradus::optim {

namespace {

constexpr const char* name = "ReduceLROnPlateau";

void require_not_negative(const char* option, double value) {
  if (value >= 0 && std::isfinite(value)) return;
  throw ValueError(name, str(option, " must be a number of at least 0, got ", value), "0 is none");
}

}  // namespace

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const PlateauOptions& options)
    : optimizer_(&optimizer),
      options_(options),
      best_(options.mode == PlateauMode::min ? std::numeric_limits<double>::infinity()
                                             : -std::numeric_limits<double>::infinity()) {
  if (!(options.factor >= 0 && options.factor < 1)) {
    throw ValueError(name, str("factor must be in [0, 1), got ", options.factor),
                     "the learning rate is multiplied with it; 0.1 is usual");
  }
  require_not_negative("patience", static_cast<double>(options.patience));
  require_not_negative("threshold", options.threshold);
  require_not_negative("cooldown", static_cast<double>(options.cooldown));
  require_not_negative("eps", options.eps);
  for (const double min_lr : options.min_lr.values()) require_not_negative("min_lr", min_lr);
  if (!options.min_lr.fits(optimizer.group_count())) {
    throw ValueError(name,
                     str("min_lr has ", options.min_lr.values().size(), " values, there are ",
                         optimizer.group_count(), " groups"),
                     "give one number for all, or one per group");
  }
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
  const double best = loader.take_number("best", best_);
  const int64_t bad = loader.take_count("num_bad_epochs", 0);
  const int64_t cooldown = loader.take_count("cooldown_counter", 0);
  loader.finish(name, "it must come from a ReduceLROnPlateau");
  best_ = best;
  num_bad_epochs_ = bad;
  cooldown_counter_ = cooldown;
}

}  // namespace gradus::optim
