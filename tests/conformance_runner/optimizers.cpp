#include "optimizers.h"

#include <array>
#include <map>

#include "../../optim/adadelta.h"
#include "../../optim/adagrad.h"
#include "../../optim/adam.h"
#include "../../optim/adamax.h"
#include "../../optim/lion.h"
#include "../../optim/nadam.h"
#include "../../optim/radam.h"
#include "../../optim/rmsprop.h"
#include "../../optim/sgd.h"

namespace gradus::conformance {
namespace {

using Groups = std::vector<optim::ParameterGroup>;
using Made = std::unique_ptr<optim::Optimizer>;

Made make_sgd(const Groups& groups, Options& options) {
  return std::make_unique<optim::SGD>(
      groups, optim::SGDOptions{.lr = options.number("lr"),
                                .momentum = options.number("momentum", 0),
                                .dampening = options.number("dampening", 0),
                                .weight_decay = options.number("weight_decay", 0),
                                .nesterov = options.boolean("nesterov", false),
                                .maximize = options.boolean("maximize", false)});
}

/// Reads what most optimizers have under the same names.
template <class Chosen>
Chosen common(Options& options) {
  Chosen chosen;
  chosen.lr = options.number("lr", chosen.lr);
  chosen.weight_decay = options.number("weight_decay", chosen.weight_decay);
  chosen.maximize = options.boolean("maximize", chosen.maximize);
  if constexpr (requires { chosen.eps; }) chosen.eps = options.number("eps", chosen.eps);
  if constexpr (requires { chosen.betas; }) {
    const Json& betas = options.raw("betas");
    if (!betas.is_null()) chosen.betas = betas.get<std::array<double, 2>>();
  }
  if constexpr (requires { chosen.amsgrad; }) chosen.amsgrad = options.boolean("amsgrad", false);
  return chosen;
}

/// Optimizers whose options are all common.
template <class Optimizer, class Chosen>
Made make_common(const Groups& groups, Options& options) {
  return std::make_unique<Optimizer>(groups, common<Chosen>(options));
}

Made make_rmsprop(const Groups& groups, Options& options) {
  auto chosen = common<optim::RMSpropOptions>(options);
  chosen.alpha = options.number("alpha", chosen.alpha);
  chosen.momentum = options.number("momentum", chosen.momentum);
  chosen.centered = options.boolean("centered", chosen.centered);
  return std::make_unique<optim::RMSprop>(groups, chosen);
}

Made make_adagrad(const Groups& groups, Options& options) {
  auto chosen = common<optim::AdagradOptions>(options);
  chosen.lr_decay = options.number("lr_decay", chosen.lr_decay);
  chosen.initial_accumulator_value =
      options.number("initial_accumulator_value", chosen.initial_accumulator_value);
  return std::make_unique<optim::Adagrad>(groups, chosen);
}

Made make_adadelta(const Groups& groups, Options& options) {
  auto chosen = common<optim::AdadeltaOptions>(options);
  chosen.rho = options.number("rho", chosen.rho);
  return std::make_unique<optim::Adadelta>(groups, chosen);
}

Made make_nadam(const Groups& groups, Options& options) {
  auto chosen = common<optim::NAdamOptions>(options);
  chosen.momentum_decay = options.number("momentum_decay", chosen.momentum_decay);
  return std::make_unique<optim::NAdam>(groups, chosen);
}

}  // namespace

Made make_optimizer(const std::string& type, const Groups& groups, Options options) {
  static const std::map<std::string, Made (*)(const Groups&, Options&)> table{
      {"SGD", make_sgd},
      {"Adam", make_common<optim::Adam, optim::AdamOptions>},
      {"AdamW", make_common<optim::AdamW, optim::AdamWOptions>},
      {"Adamax", make_common<optim::Adamax, optim::AdamaxOptions>},
      {"NAdam", make_nadam},
      {"RAdam", make_common<optim::RAdam, optim::RAdamOptions>},
      {"Lion", make_common<optim::Lion, optim::LionOptions>},
      {"RMSprop", make_rmsprop},
      {"Adagrad", make_adagrad},
      {"Adadelta", make_adadelta},
  };
  const auto found = table.find(type);
  if (found == table.end()) throw Unsupported("optimizer '" + type + "'");
  Made made = found->second(groups, options);
  options.check_all_read();
  return made;
}

}  // namespace gradus::conformance
