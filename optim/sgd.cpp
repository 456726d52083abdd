#include "sgd.h"

#include <algorithm>
#include <cmath>

#include "../core/base/error.h"
#include "../core/update.h"

namespace gradus::optim {

namespace {

bool needs_buffers(const std::vector<ParameterGroup>& groups, const SGDOptions& options) {
  return std::any_of(groups.begin(), groups.end(), [&](const ParameterGroup& group) {
    return group.momentum.value_or(options.momentum) != 0;
  });
}

std::vector<std::string> state_names(bool buffers) {
  if (buffers) return {"momentum_buffer"};
  return {};
}

}  // namespace

SGD::SGD(const std::vector<ParameterGroup>& groups, const SGDOptions& options)
    : Optimizer("SGD", groups, {options.lr, options.weight_decay, options.momentum},
                state_names(needs_buffers(groups, options))),
      options_(options),
      has_buffers_(needs_buffers(groups, options)) {
  check_groups();
}

void SGD::check(const GroupSettings& s) const {
  Optimizer::check(s);
  require(s.momentum >= 0 && std::isfinite(s.momentum), "momentum", s.momentum,
          "a number of at least 0");
  require(std::isfinite(options_.dampening), "dampening", options_.dampening, "a number");
  if (options_.nesterov && (s.momentum == 0 || options_.dampening != 0)) {
    throw ValueError(type(), str("nesterov needs momentum and no dampening, got momentum ",
                                 s.momentum, ", dampening ", options_.dampening));
  }
  if (s.momentum != 0 && !has_buffers_) {
    throw ValueError(type(), str("was built without momentum, cannot set it to ", s.momentum));
  }
}

void SGD::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  Tensor none;
  sgd_update_(entry.parameter.tensor, gradient, s.momentum != 0 ? entry.state[0] : none,
              {.lr = s.lr,
               .momentum = s.momentum,
               .dampening = options_.dampening,
               .weight_decay = s.weight_decay,
               .nesterov = options_.nesterov,
               .maximize = options_.maximize,
               .first = entry.steps == 1});
}

}  // namespace gradus::optim
