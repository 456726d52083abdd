// From tensors to update rules.
#pragma once

#include <array>

#include "../core/base/dtype.h"
#include "../core/tensor.h"
#include "all_rules_kernel.h"

namespace gradus::optim {

/// One pass of `rule` over a parameter, its gradient and its state, all contiguous and of the same
/// size and floating-point type. Null means state that is not kept.
template <class Rule>
void apply_rule(const Rule& rule, Tensor& parameter, const Tensor& gradient,
                const std::array<Tensor*, 3>& state = {}) {
  dispatch_floating("apply_rule", parameter.dtype(), [&]<class T>() {
    RuleArrays<T> arrays{parameter.numel(), parameter.mutable_data<T>(), gradient.data<T>(), {}};
    for (size_t i = 0; i < state.size(); ++i) {
      if (state[i] != nullptr) arrays.state[i] = state[i]->mutable_data<T>();
    }
    const RuleRunner<Rule, T>& runner = kernels::table<AllRules<T>>();
    runner.run(rule, arrays);
  });
}

}  // namespace gradus::optim
