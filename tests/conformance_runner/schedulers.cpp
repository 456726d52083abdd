#include "schedulers.h"

#include <algorithm>
#include <map>
#include <memory>

#include "../../optim/plateau.h"
#include "../../optim/schedule.h"

namespace gradus::conformance {
namespace {

using optim::Curve;

optim::PerGroup per_group(Options& options, const char* name, const optim::PerGroup& otherwise) {
  const Json& value = options.raw(name);
  if (value.is_null()) return otherwise;
  return value.is_array() ? optim::PerGroup(value.get<std::vector<double>>())
                          : optim::PerGroup(value.get<double>());
}

std::vector<int64_t> milestones(Options& options) {
  return options.raw("milestones").get<std::vector<int64_t>>();
}

Curve step_row(Options& options) {
  return optim::StepLR{.step_size = options.integer("step_size"),
                       .gamma = options.number("gamma", 0.1)};
}

Curve multi_step_row(Options& options) {
  return optim::MultiStepLR{.milestones = milestones(options),
                            .gamma = options.number("gamma", 0.1)};
}

Curve exponential_row(Options& options) {
  return optim::ExponentialLR{.gamma = options.number("gamma")};
}

Curve constant_row(Options& options) {
  const optim::ConstantLR given;
  return optim::ConstantLR{.factor = options.number("factor", given.factor),
                           .total_iters = options.integer("total_iters", given.total_iters)};
}

Curve linear_row(Options& options) {
  const optim::LinearLR given;
  return optim::LinearLR{.start_factor = options.number("start_factor", given.start_factor),
                         .end_factor = options.number("end_factor", given.end_factor),
                         .total_iters = options.integer("total_iters", given.total_iters)};
}

Curve polynomial_row(Options& options) {
  const optim::PolynomialLR given;
  return optim::PolynomialLR{.total_iters = options.integer("total_iters", given.total_iters),
                             .power = options.number("power", given.power)};
}

/// The one function that cases have: min(1, (step + 1) / warmup_steps).
Curve lambda_row(Options& options) {
  const double steps = options.number("warmup_steps");
  return optim::LambdaLR{
      {[steps](int64_t t) { return std::min(1.0, static_cast<double>(t + 1) / steps); }}};
}

Curve cosine_row(Options& options) {
  return optim::CosineAnnealingLR{.T_max = options.integer("T_max"),
                                  .eta_min = options.number("eta_min", 0)};
}

Curve warm_restarts_row(Options& options) {
  return optim::CosineAnnealingWarmRestarts{.T_0 = options.integer("T_0"),
                                            .T_mult = options.integer("T_mult", 1),
                                            .eta_min = options.number("eta_min", 0)};
}

Curve one_cycle_row(Options& options) {
  static const Word<optim::Anneal> strategies[] = {{"cos", optim::Anneal::cos},
                                                   {"linear", optim::Anneal::linear}};
  optim::OneCycleLR cycle;
  cycle.max_lr = per_group(options, "max_lr", cycle.max_lr);
  cycle.total_steps = options.optional_integer("total_steps");
  cycle.epochs = options.optional_integer("epochs");
  cycle.steps_per_epoch = options.optional_integer("steps_per_epoch");
  cycle.pct_start = options.number("pct_start", cycle.pct_start);
  cycle.anneal_strategy = options.choice("anneal_strategy", strategies);
  cycle.cycle_momentum = options.boolean("cycle_momentum", cycle.cycle_momentum);
  cycle.base_momentum = per_group(options, "base_momentum", cycle.base_momentum);
  cycle.max_momentum = per_group(options, "max_momentum", cycle.max_momentum);
  cycle.div_factor = options.number("div_factor", cycle.div_factor);
  cycle.final_div_factor = options.number("final_div_factor", cycle.final_div_factor);
  cycle.three_phase = options.boolean("three_phase", cycle.three_phase);
  return cycle;
}

Curve make_curve(const Json& description);

Curve sequential(const Json& description, Options& options) {
  optim::SequentialLR all{.schedules = {}, .milestones = milestones(options)};
  for (const Json& one : description.at("schedulers")) all.schedules.push_back(make_curve(one));
  return all;
}

Curve make_curve(const Json& description) {
  static const std::map<std::string, Curve (*)(Options&)> table{
      {"StepLR", step_row},
      {"MultiStepLR", multi_step_row},
      {"ExponentialLR", exponential_row},
      {"ConstantLR", constant_row},
      {"LinearLR", linear_row},
      {"PolynomialLR", polynomial_row},
      {"LambdaLR", lambda_row},
      {"CosineAnnealingLR", cosine_row},
      {"CosineAnnealingWarmRestarts", warm_restarts_row},
      {"OneCycleLR", one_cycle_row},
  };
  const std::string type = description.at("op");
  Options options(description.value("options", Json()), {});
  const auto found = table.find(type);
  if (found == table.end() && type != "SequentialLR") {
    throw Unsupported("scheduler '" + type + "'");
  }
  Curve curve = found == table.end() ? sequential(description, options) : found->second(options);
  options.check_all_read();
  return curve;
}

optim::PlateauOptions plateau_options(Options options) {
  static const Word<optim::PlateauMode> modes[] = {{"min", optim::PlateauMode::min},
                                                   {"max", optim::PlateauMode::max}};
  static const Word<optim::ThresholdMode> threshold_modes[] = {
      {"rel", optim::ThresholdMode::relative}, {"abs", optim::ThresholdMode::absolute}};
  optim::PlateauOptions chosen;
  chosen.mode = options.choice("mode", modes);
  chosen.factor = options.number("factor", chosen.factor);
  chosen.patience = options.integer("patience", chosen.patience);
  chosen.threshold = options.number("threshold", chosen.threshold);
  chosen.threshold_mode = options.choice("threshold_mode", threshold_modes);
  chosen.cooldown = options.integer("cooldown", chosen.cooldown);
  chosen.min_lr = per_group(options, "min_lr", chosen.min_lr);
  chosen.eps = options.number("eps", chosen.eps);
  options.check_all_read();
  return chosen;
}

}  // namespace

SchedulerStep make_scheduler(const Json& description, optim::Optimizer& optimizer) {
  if (description.at("op") == "ReduceLROnPlateau") {
    const Options options(description.value("options", Json()), {});
    const auto plateau =
        std::make_shared<optim::ReduceLROnPlateau>(optimizer, plateau_options(options));
    return [plateau](double metric) { plateau->step(metric); };
  }
  const auto schedule = std::make_shared<optim::Schedule>(optimizer, make_curve(description));
  return [schedule](double) { schedule->step(); };
}

}  // namespace gradus::conformance
