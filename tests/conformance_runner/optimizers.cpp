#include "optimizers.h"

#include <map>

#include "../../optim/adam.h"
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

std::array<double, 2> betas(Options& options) {
  const Json& given = options.raw("betas");
  return given.is_null() ? std::array{0.9, 0.999} : given.get<std::array<double, 2>>();
}

/// Adam and AdamW have the same options with other defaults.
template <class Optimizer, class OptimizerOptions>
Made make_adam(const Groups& groups, Options& options) {
  const OptimizerOptions defaults;
  return std::make_unique<Optimizer>(
      groups,
      OptimizerOptions{.lr = options.number("lr", defaults.lr),
                       .betas = betas(options),
                       .eps = options.number("eps", defaults.eps),
                       .weight_decay = options.number("weight_decay", defaults.weight_decay),
                       .amsgrad = options.boolean("amsgrad", false),
                       .maximize = options.boolean("maximize", false)});
}

}  // namespace

Made make_optimizer(const std::string& type, const Groups& groups, Options options) {
  static const std::map<std::string, Made (*)(const Groups&, Options&)> table{
      {"SGD", make_sgd},
      {"Adam", make_adam<optim::Adam, optim::AdamOptions>},
      {"AdamW", make_adam<optim::AdamW, optim::AdamWOptions>},
  };
  const auto found = table.find(type);
  if (found == table.end()) throw Unsupported("optimizer '" + type + "'");
  Made made = found->second(groups, options);
  options.check_all_read();
  return made;
}

}  // namespace gradus::conformance
